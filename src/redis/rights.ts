/**
 * Which commands of a change a user may not run, found by running each in a form that does nothing: ACL DRYRUN would
 * say the same, but asks for the rights of an administrator.
 */
import { type Command, ReplyError } from './resp.js'
import type { RespConnection } from './resp-connection.js'

const key = '__cachectl:probe'

/** Right → a harmless call. */
const probes: Readonly<Record<string, Command>> = {
  '+scan': ['SCAN', 0, 'COUNT', 1],
  '+exists': ['EXISTS', key],
  '+type': ['TYPE', key],
  '+dump': ['DUMP', key],
  '+pexpiretime': ['PEXPIRETIME', key],
  '+memory|usage': ['MEMORY', 'USAGE', key],
  '+restore': ['RESTORE', key, 0, 'no dump'],
  '+get': ['GET', key],
  '+set': ['SET', key, '', 'XX'],
  '+unlink': ['UNLINK', key],
  '+del': ['DEL', key],
  '+watch': ['WATCH', key],
  '+unwatch': ['UNWATCH'],
  '+spop': ['SPOP', key],
  '+eval': ['EVAL', 'return 1', 0],
  '+client|id': ['CLIENT', 'ID'],
  '+client|list': ['CLIENT', 'LIST', 'ID', 0],
  '+client|kill': ['CLIENT', 'KILL', 'ID', 0],
}

/** Rights that are missing, as ACL SETUSER takes them; commands that the server does not know are marked. */
export async function missingRights(connection: RespConnection): Promise<string[]> {
  const names = [...Object.keys(probes), '+multi', '+exec']
  const replies = await connection.send([...Object.values(probes), ['MULTI'], ['EXEC']])
  return names.flatMap((name, index) => {
    const reply = replies[index]
    if (!(reply instanceof ReplyError)) return []
    if (reply.code === 'NOPERM') return [name]
    return /unknown (sub)?command/i.test(reply.message) ? [`${name} (unknown to this server)`] : []
  })
}
