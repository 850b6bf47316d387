/** Rows that the source of truth will never take as they are, however often it is tried. */
export class PoisonRowsError extends Error {
  override readonly name = 'PoisonRowsError'
  /** What write-behind looks for: such a row goes to the dead letters. */
  readonly poison = true

  /** `keys`: the bad row is among them; a single one is that row. */
  constructor(
    message: string,
    readonly keys: readonly string[],
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
