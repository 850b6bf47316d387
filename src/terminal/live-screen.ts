/** A screen that is drawn again and again, as that of `top`: the terminal's other screen, which leaves no trace behind. */
import type { ReadStream, WriteStream } from 'node:tty'

const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

/** Of a terminal that says it has 0 columns and rows. */
const usual = { columns: 80, rows: 24 }
const keys = { interrupt: '\x03', suspend: '\x1a' }

export interface LiveScreen {
  /** Drawn anew when the terminal's size changes; lines that do not fit are left out. */
  draw(render: (columns: number) => string): void
  /** Puts the terminal back as it was. */
  close(): void
}

export interface LiveKeys {
  /** q. */
  onQuit(): void
  /** Ctrl-C, which makes no signal in raw mode. */
  onInterrupt(): void
}

export function openLiveScreen(input: ReadStream, output: WriteStream, keyboard: LiveKeys): LiveScreen {
  let last = (_columns: number) => ''
  const draw = (render: (columns: number) => string) => {
    last = render
    const lines = render(output.columns || usual.columns)
      .split('\n')
      .slice(0, Math.max(1, (output.rows || usual.rows) - 1))
    output.write(`${home}${lines.map((line) => `${line}${clearLine}`).join('\n')}${clearBelow}`)
  }
  const onData = (data: Buffer) => {
    const typed = data.toString('latin1')
    if (typed.includes(keys.interrupt)) keyboard.onInterrupt()
    else if (/q/i.test(typed)) keyboard.onQuit()
    // in raw mode the terminal does not turn it into a signal
    else if (typed.includes(keys.suspend)) process.kill(process.pid, 'SIGTSTP')
  }
  const start = () => {
    output.write(enter)
    if (input.isTTY) input.setRawMode(true)
    // also after a SIGCONT that nothing had stopped for
    input.off('data', onData).on('data', onData).resume()
  }
  const stop = () => {
    input.off('data', onData).pause()
    if (input.isTTY) input.setRawMode(false)
    output.write(leave)
  }
  const onContinue = () => {
    start()
    draw(last)
  }
  const onResize = () => draw(last)
  start()
  process.on('SIGTSTP', stop)
  process.on('SIGCONT', onContinue)
  output.on('resize', onResize)
  return {
    draw,
    close: () => {
      process.off('SIGTSTP', stop)
      process.off('SIGCONT', onContinue)
      output.off('resize', onResize)
      stop()
    },
  }
}
