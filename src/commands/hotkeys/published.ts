import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { HotSetCommand } from '../../hotkeys-mitigation.js'
import { readHotSet } from '../../operations/hotkeys/publish.js'
import type { HotSetReport } from '../../terminal/hot-set.js'

export default class HotKeysPublished extends HotSetCommand {
  static override summary = 'Show the published hot set: what processes serve from memory, and what is split.'
  static override description = `Reads the control store only; no node is asked.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -t cachectl.yaml --json',
  ]
  static override flags = { ...topologyFlag }

  async run(): Promise<HotSetReport> {
    const { flags } = await this.parse(HotKeysPublished)
    const file = await this.loadTopology(flags.topology)
    return this.withBoard(file, async (board) => this.show(await readHotSet(board), file, board.control))
  }
}
