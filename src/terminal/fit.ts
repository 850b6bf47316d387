/** Text fitted to columns of a terminal. */

/** East Asian wide characters and pictograms take two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
/** Stands on the character before it. */
const combining = /\p{Mark}/u

export function columnsOf(text: string): number {
  let columns = 0
  for (const char of text) columns += widthOf(char)
  return columns
}

function widthOf(char: string): number {
  if (wide.test(char)) return 2
  return combining.test(char) ? 0 : 1
}

/** At most so many columns; what is too long loses its middle: keys differ at their ends, and begin with what they are. */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  const chars = [...text]
  const tailColumns = Math.floor((columns - 1) / 2)
  const head = takeColumns(chars, columns - 1 - tailColumns)
  const tail = takeColumns([...chars].reverse(), tailColumns)
  return `${head.join('')}…${tail.reverse().join('')}`
}

function takeColumns(chars: readonly string[], columns: number): string[] {
  const taken: string[] = []
  let used = 0
  for (const char of chars) {
    used += widthOf(char)
    if (used > columns) break
    taken.push(char)
  }
  return taken
}
