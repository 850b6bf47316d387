/** What `ring status` and `ring pause` share: reading where a ring is, with the journal of this host. */
import { BaseCommand } from './base-command.js'
import type { ControlStore } from './cache/ports.js'
import { systemClock } from './clock.js'
import { journalWarnings, readJournal } from './files/journal.js'
import type { TopologyFile } from './files/topology-file.js'
import { journalPath } from './open-control.js'
import { type RingStatus, readStatus } from './operations/ring-status.js'

const shownSteps = 8

export abstract class RingStatusReader extends BaseCommand {
  protected async status({ path, topology }: TopologyFile, control: ControlStore): Promise<RingStatus> {
    const at = journalPath(path)
    const journal = await readJournal(at)
    const warnings = journalWarnings(at, journal, topology.name)
    for (const warning of warnings) this.logToStderr(warning)
    const isOurs = journal.header?.ring === topology.name
    return readStatus(topology.name, {
      control,
      journal: isOurs ? journal.records.slice(-shownSteps) : [],
      warnings,
      wallMs: systemClock.wallMs(),
    })
  }
}
