/** `hotkeys --watch` in a real terminal. */
import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { columnsOf } from '../../src/terminal/fit.js'
import { hasPty, openPtyShell, type PtyShell } from '../support/pty-shell.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
/** From the home position to what clears all below. */
const frame = /\x1b\[H(?:(?!\x1b\[H)[\s\S])*?hot keys \(above[\s\S]*?\x1b\[J/

describe('hotkeys --watch on a terminal', () => {
  let servers: TestServers
  let shell: PtyShell
  let traffic: Promise<void>
  let running = true

  before(async function () {
    if (!(await hasPty())) {
      console.log('      (no script(1) of util-linux here: not tested)')
      this.skip()
    }
    servers = await startServers(1)
    shell = await openPtyShell()
    const connection = await servers.connect(0)
    traffic = (async () => {
      for (let index = 0; running; index++)
        await connection.call('GET', index % 4 ? `page:${index}` : 'page:home')
    })()
  })

  after(async () => {
    running = false
    await traffic
    await shell?.close()
    await servers?.stop()
  })

  const monitors = async () =>
    (String(await (await servers.connect(0)).call('CLIENT', 'LIST')).match(/cmd=monitor/g) ?? []).length

  const linesOf = (drawn: string) =>
    drawn
      .replaceAll(/\x1b\[[HJK]/g, '')
      .split('\n')
      .map((line) => line.replace(/\r$/, ''))

  const sampled = (drawn: string) => /([\d,]+) commands sampled/.exec(drawn)?.[1]

  const start = async () => {
    shell.type(`node bin/run.js hotkeys -t ${await servers.topologyFile()} --watch\n`)
    await shell.seen(/\x1b\[\?1049h\x1b\[\?25l/)
  }

  it('draws in place, as large as the terminal is, and again when that changes', async () => {
    await shell.resize(80, 12)
    await start()
    const small = await shell.seen(frame)
    assert.ok(!small.includes(enter) && !small.includes(leave))
    const lines = linesOf(small.slice(small.lastIndexOf(home)))
    assert.ok(lines.length <= 11, `${lines.length} lines`)
    for (const line of lines) assert.ok(columnsOf(line) <= 80, line)
    assert.match(small, /page:home/)
    assert.doesNotMatch(small, /out\/s|top client/)
    await shell.resize(160, 40)
    const large = await shell.seen(frame)
    assert.match(large, /top client/)
    // the same answer: nothing new was waited for
    assert.equal(sampled(large), sampled(small))
  })

  it('stopped by Ctrl-Z it leaves a terminal that can be used, and no monitor; fg takes it up again', async () => {
    const shown = await shell.seen(frame)
    shell.type('\x1a')
    const stopped = await shell.seen(/Stopped[\s\S]*ready> /)
    assert.ok(stopped.includes(leave))
    assert.ok(!stopped.slice(stopped.lastIndexOf(leave)).includes(home))
    assert.equal(await monitors(), 0)
    shell.type('stty -a\n')
    const settings = await shell.seen(/ready> /)
    assert.match(settings, /[^-]icanon/)
    assert.match(settings, /[^-]echo /)
    await systemClock.sleep(300)
    assert.equal(await monitors(), 0)
    shell.type('fg\n')
    const again = await shell.seen(frame)
    assert.equal(again.split(enter).length, 2)
    assert.equal(sampled(again), sampled(shown))
    // a new one, not the one that was there
    await shell.seen(frame)
  })

  it('ended by Ctrl-C it puts the terminal back, and exits 130', async () => {
    shell.type('\x03')
    const ended = await shell.seen(/ready> /)
    assert.ok(ended.includes(leave))
    shell.type('echo code=$?\n')
    assert.match(await shell.seen(/code=\d+\s/), /code=130/)
    shell.type('stty -a\n')
    assert.match(await shell.seen(/ready> [\s\S]*ready> /), /[^-]icanon/)
    assert.equal(await monitors(), 0)
  })

  it('q is no interruption', async () => {
    await start()
    await shell.seen(frame)
    shell.type('q')
    await shell.seen(/ready> /)
    shell.type('echo code=$?\n')
    assert.match(await shell.seen(/code=\d+\s/), /code=0/)
  })
})
