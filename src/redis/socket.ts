/** Opens a byte stream to a node: TCP, TLS or unix socket. Nothing is sent; the handshake belongs to the reader. */
import { type ConnectOpts, connect, type NetConnectOpts, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { CachectlError, describeError, unreachable } from '../errors.js'
import { formatAddress, type NodeSpec } from '../ring/topology.js'
import { tlsOptions } from './tls-options.js'

export const defaultConnectTimeoutMs = 5_000

/** `n2 (127.0.0.1:7002)`: how every message names a node. */
export function nodeName(node: NodeSpec): string {
  return `${node.id} (${formatAddress(node.address)})`
}

/** A failed connection, its likely cause and what to do, told for the node. */
export function connectionError(node: NodeSpec, error: unknown): CachectlError {
  if (error instanceof CachectlError) return error
  return unreachable(`node ${nodeName(node)}: ${describeError(error)}`, remedyFor(node, error), error)
}

/** Connects within the timeout (ms). `onread` as in `net.connect`: one static buffer, no garbage per chunk. */
export async function openSocket(
  node: NodeSpec,
  options: { connectTimeoutMs?: number; onread?: ConnectOpts['onread'] } = {},
): Promise<Socket> {
  const timeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs
  const endpoint: NetConnectOpts =
    node.address.kind === 'unix'
      ? { path: node.address.path }
      : { host: node.address.host, port: node.address.port, noDelay: true }
  const onread = options.onread ? { onread: options.onread } : {}
  const tls = node.tls ? await tlsOptions(node, node.tls) : undefined
  const socket = tls ? tlsConnect({ ...endpoint, ...tls, ...onread }) : connect({ ...endpoint, ...onread })
  const ready = tls ? 'secureConnect' : 'connect'
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        unreachable(`node ${nodeName(node)}: no connection within ${timeoutMs} ms`, remedyFor(node, null)),
      )
    }, timeoutMs)
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(connectionError(node, error))
    })
    socket.once(ready, () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve()
    })
  })
  return socket
}

function remedyFor(node: NodeSpec, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return 'Is the server running? `cachectl lab up` starts local nodes.'
  if (code.includes('CERT') || code.includes('ALTNAME') || code.includes('SIGNED')) {
    return 'Check tls.ca and tls.servername of this node in the topology.'
  }
  if (code === 'EMFILE')
    return 'This process may have no more files open: raise `ulimit -n`, or ask for fewer connections.'
  if (node.tls) return 'If the port does not speak TLS, remove tls (or use redis://) in the topology.'
  return 'Check the address; if the port speaks TLS, use rediss:// in the topology.'
}
