/** What outlives a run that changes a server's settings for a while: how they were, and what would be lost by it. */

/** CONFIG names and values, as text. */
export type Settings = Readonly<Record<string, string>>

export interface BorrowedSettings {
  readonly before: Settings
  readonly during: Settings
}

/** Nodes by id. */
export interface SettingsLedger {
  /**
   * What a run that has died left changed; undefined: nothing.
   * Errors: `refused` while the run that wrote it is alive.
   */
  leftover(node: string): Promise<BorrowedSettings | undefined>
  /** On disk when it resolves. */
  write(node: string, settings: BorrowedSettings): Promise<void>
  remove(node: string): Promise<void>
}

/** As SLOWLOG GET gives it; arguments are latin1 text, cut by the server at 128 bytes and at 32 of them. */
export interface SlowlogEntry {
  readonly id: number
  /** Unix time, seconds. */
  readonly atSeconds: number
  readonly micros: number
  readonly args: readonly string[]
  /** Empty where the server does not tell (before Redis 4). */
  readonly client: string
  readonly clientName: string
}

/** Keeps the entries of the users' own slow log, which a run pushes out of the server. */
export interface SlowlogArchive {
  /** For people: where it is. */
  readonly place: string
  /** On disk when it resolves. */
  append(node: string, entries: readonly SlowlogEntry[]): Promise<void>
}
