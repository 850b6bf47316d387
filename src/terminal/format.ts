/** Numbers for people. */

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function formatPercent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}

/** Three significant digits, in the unit that fits. */
export function formatMs(ms: number): string {
  // 999.6 to three digits would be 1.00e+3
  if (ms >= 999_500) return `${formatCount(ms / 1000)} s`
  if (ms >= 999.5) return `${(ms / 1000).toPrecision(3)} s`
  return ms >= 0.9995 ? `${ms.toPrecision(3)} ms` : `${Math.round(ms * 1000)} µs`
}

/** A hit ratio: four digits, so that 0.9990 and 0.9999 differ. */
export function formatRatio(ratio: number | null): string {
  return ratio === null ? '' : ratio.toFixed(4)
}

/**
 * Plain text in lines of at most `width`; lines after the first are indented. A word that is longer stays whole,
 * and a number keeps its per cent sign.
 */
export function wrapText(text: string, width: number, indent = 0): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ (?!%)/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(indent) + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

export function formatSeconds(seconds: number): string {
  if (seconds < 59.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** In one unit: what is left of a time to live. */
export function formatAbout(seconds: number): string {
  if (seconds < 59.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`
  const minutes = seconds / 60
  if (minutes < 59.5) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  return hours < 47.5 ? `${Math.round(hours)} h` : `${formatCount(hours / 24)} d`
}

/** A bar of at most `width` cells for a share of the whole; eighths of a cell count. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]
}
