/** Puts an act, or a lost reply, at an exact step of what goes over a connection. */
import { connect, createServer, type Socket } from 'node:net'
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'

/** Runs `act` once, right before the pipeline number `nth` that has a command of that name is sent. */
export function interpose(
  connection: RespConnection,
  name: string,
  act: () => Promise<unknown>,
  nth = 1,
): RespConnection {
  let seen = 0
  return new Proxy(connection, {
    get(real, property, proxy) {
      if (property !== 'send') return Reflect.get(real, property, proxy)
      return async (commands: readonly Command[]) => {
        if (commands.some(([command]) => command === name) && ++seen === nth) await act()
        return real.send(commands)
      }
    },
  })
}

/** Forwards to `port`; the answer number `cutAt` (from 1) is lost with its connection: the server has done the work. */
export async function answerLosingProxy(
  port: number,
  cutAt: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let answers = 0
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      answers += 1
      if (answers === cutAt) end()
      else client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
