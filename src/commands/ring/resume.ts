import { exitCodesHelp } from '../../base-command.js'
import { refused } from '../../errors.js'
import { readJournal } from '../../files/journal.js'
import { journalPath, openControl } from '../../open-control.js'
import { changeFlags, RingChangeCommand } from '../../ring-change-command.js'

const { 'dry-run': _, ...flags } = changeFlags

export default class RingResume extends RingChangeCommand {
  static override summary = 'Finish a change of the ring that was cut short, wherever it was.'
  static override description =
    `Any operator may do it, on any host that reaches the control store.\n\n${exitCodesHelp}`
  static override examples = ['<%= config.bin %> <%= command.id %> --yes']
  static override flags = flags

  async run() {
    const { flags: given } = await this.parse(RingResume)
    const file = await this.loadTopology(given.topology)
    const control = await openControl(file)
    const stored = await control.load().finally(() => control.close())
    const flags = { ...given, 'dry-run': false }
    if (stored && stored.state.phase !== 'stable') {
      const { before, after } = stored.state
      return this.change({ ...file, topology: before }, flags, () => after, stored.state)
    }
    // published, but its operator died before it wrote the topology file
    const last = (await readJournal(journalPath(file.path))).records.at(-1)
    if (stored && last?.step === 'commit' && last.details.epoch === stored.state.epoch)
      return this.change(file, flags, () => stored.state.after)
    throw refused('no change of the ring is under way', '`cachectl ring status` shows where it is.')
  }
}
