/** Passwords: read where the topology says, registered for redaction before anybody sees them. */
import { readFile, stat } from 'node:fs/promises'
import { describeError, invalid, registerSecret } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { NodeSpec } from '../ring/topology.js'

/** undefined where the node has none. Errors name the node and the variable or file, never the value. */
export async function readPassword(node: NodeSpec, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const password =
    node.passwordEnv !== undefined ? fromEnv(node, node.passwordEnv, env) : await fromFile(node)
  if (password !== undefined) registerSecret(password)
  return password
}

/** Every node with its secret. */
export async function readAccess(nodes: readonly NodeSpec[], env: NodeJS.ProcessEnv): Promise<NodeAccess[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const password = await readPassword(node, env)
      return password === undefined ? { node } : { node, password }
    }),
  )
}

function fromEnv(node: NodeSpec, name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name]
  if (!value)
    throw invalid(
      `node ${node.id}: passwordEnv ${name} is not set`,
      `export ${name} before you run cachectl.`,
    )
  return value
}

async function fromFile(node: NodeSpec): Promise<string | undefined> {
  if (node.passwordFile === undefined) return undefined
  const where = `node ${node.id}: passwordFile ${printable(node.passwordFile)}`
  try {
    const { mode } = await stat(node.passwordFile)
    if (mode & 0o077) throw invalid(`${where} can be read by others`, 'chmod 600 the file.')
    const password = (await readFile(node.passwordFile, 'utf8')).replace(/\r?\n$/, '')
    if (password === '') throw invalid(`${where} is empty`)
    return password
  } catch (error) {
    if (error instanceof Error && error.name === 'CachectlError') throw error
    throw invalid(`${where}: ${describeError(error)}`, undefined, error)
  }
}
