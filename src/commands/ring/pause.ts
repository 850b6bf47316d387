import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { openControl } from '../../open-control.js'
import { pauseChange } from '../../operations/pause-change.js'
import { RingStatusReader } from '../../ring-status-command.js'
import { type Paused, renderPause, toPaused } from '../../terminal/pause.js'
import { createProgress } from '../../terminal/progress.js'

const patienceMs = 60_000

export default class RingPause extends RingStatusReader {
  static override summary = 'Ask the operator at work to stop at a safe point, and wait until it has.'
  static override description =
    'Keys under way are moved first; then the operator ends with 6. Clients read and write on, for any length of time, ' +
    `and \`ring resume\` goes on. After a minute of waiting this command ends with 6.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -t cachectl.yaml --json',
  ]
  static override flags = { ...topologyFlag }

  async run(): Promise<Paused> {
    const { flags } = await this.parse(RingPause)
    const file = await this.loadTopology(flags.topology)
    const control = await openControl(file)
    try {
      const ports = { control, clock: systemClock, progress: await createProgress(), signal: this.signal }
      const stopped = await pauseChange({ by: this.person(), patienceMs }, ports)
      const paused = toPaused(await this.status(file, control), stopped)
      this.log(renderPause(paused))
      return paused
    } finally {
      await control.close()
    }
  }
}
