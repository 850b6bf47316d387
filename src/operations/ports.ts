/**
 * The world as the operations see it. Adapters in redis/, files/ and lab/ implement these; commands wire them.
 * One interface per capability, each with its own paragraph below.
 */

/** Progress of long work; the terminal's writer shows it on a TTY only, on stderr. */
export interface ProgressPort {
  /** Replaces the current line; `text` is safe to print. */
  update(text: string): void
  /** Ends the line: work finished or stopped. */
  end(): void
}
