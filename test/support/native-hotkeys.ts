/**
 * Replies of servers with hot key detection, byte for byte as their source writes them in RESP2: Redis' src/hotkeys.c at
 * 1752ce802a1f2353bb7f9e5a36a1709bb516a948, Valkey's at 04793915ebcfb512d4c33223354edfe3ef584da1.
 */
const lines = (...parts: readonly string[]) => parts.map((part) => `${part}\r\n`).join('')
const bulk = (text: string) => lines(`$${text.length}`, text)

export const ok = lines('+OK')
export const nil = lines('$-1')
export const alreadyInProgress = lines('-ERR hotkey tracking session already in progress')
export const unknownCommand = lines("-ERR unknown command 'HOTKEYS', with args beginning with: 'GET' ")

/** HOTKEYS GET of Redis, METRICS 2 CPU NET, without SLOTS, on a server that is no cluster. */
export function redisGet({
  active = 0,
  ratio = 1,
  startedMs = 1_764_313_200_123,
}: {
  active?: 0 | 1
  ratio?: number
  startedMs?: number
} = {}): string {
  return [
    lines('*1', '*24'),
    bulk('tracking-active'),
    lines(`:${active}`),
    bulk('sample-ratio'),
    lines(`:${ratio}`),
    bulk('selected-slots'),
    lines('*1', '*2', ':0', ':16383'),
    bulk('all-commands-all-slots-us'),
    lines(':1000000'),
    bulk('net-bytes-all-commands-all-slots'),
    lines(':4000000'),
    bulk('collection-start-time-unix-ms'),
    lines(`:${startedMs}`),
    bulk('collection-duration-ms'),
    lines(':2000'),
    bulk('total-cpu-time-user-ms'),
    lines(':900'),
    bulk('total-cpu-time-sys-ms'),
    lines(':300'),
    bulk('total-net-bytes'),
    lines(':400000'),
    bulk('by-cpu-time-us'),
    lines('*4'),
    bulk('hot\r\n\x00\xff'),
    lines(':40000'),
    bulk('warm'),
    lines(':10000'),
    bulk('by-net-bytes'),
    lines('*2'),
    bulk('large'),
    lines(':200000'),
  ].join('')
}

/** HOTKEYS GET of Valkey. */
export function valkeyGet(keys: readonly { key: string; db: number; qps: number }[]): string {
  const entries = keys.map(
    ({ key, db, qps }) =>
      lines('*6') + bulk('key') + bulk(key) + bulk('db') + lines(`:${db}`) + bulk('qps') + lines(`:${qps}`),
  )
  return lines(`*${keys.length}`) + entries.join('')
}

export function valkeyInfo(samples: number, durationMs: number): string {
  return bulk(
    `# Hotkeys\r\nhotkeys_last_window_samples:${samples}\r\nhotkeys_last_window_duration_ms:${durationMs}\r\n`,
  )
}

export function configGet(name: string, value: string): string {
  return lines('*2') + bulk(name) + bulk(value)
}
