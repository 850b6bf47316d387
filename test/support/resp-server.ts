/** A server that speaks RESP and answers what a test says, bytes as they are: for what no binary at hand can do. */
import { createServer, type Socket } from 'node:net'
import { ReplyParser } from '../../src/redis/resp.js'
import type { NodeSpec } from '../../src/ring/topology.js'
import { testNode } from './redis-servers.js'

export interface RespServer {
  readonly node: NodeSpec
  /** What was asked, words joined by spaces. */
  readonly asked: readonly string[]
  stop(): Promise<void>
}

/** `answer` takes a command's words (latin1) and gives the raw reply. */
export async function startRespServer(answer: (words: readonly string[]) => string): Promise<RespServer> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // the client's end is the test's business
    const parser = new ReplyParser((command) => {
      const words = (Array.isArray(command) ? command : []).map((word) =>
        Buffer.isBuffer(word) ? word.toString('latin1') : String(word),
      )
      asked.push(words.join(' '))
      socket.write(Buffer.from(answer(words), 'latin1'))
    })
    socket.on('data', (chunk) => parser.feed(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    node: testNode('n1', typeof address === 'object' && address ? address.port : 0),
    asked,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
