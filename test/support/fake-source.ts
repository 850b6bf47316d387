/** A source of truth whose steps a scheduler takes: each key's versions 1, 2, 3 …, in the order in which they are written. */
import type { Deliver } from './fake-l2.js'

export interface Row {
  readonly key: string
  readonly version: number
}

export class FakeSource {
  private readonly versions = new Map<string, number>()
  private readonly drafted = new Map<string, number>()
  /** Reads that have begun and not ended, by key. */
  readonly underWay = new Map<string, number>()
  mostAtOnce = 0
  /** It takes no writes. */
  isRefusing = false
  reads = 0

  constructor(private readonly deliver: Deliver) {}

  present(key: string): Row {
    return { key, version: this.versions.get(key) ?? 0 }
  }

  async read(key: string, reader = ''): Promise<Row> {
    this.reads += 1
    const atOnce = (this.underWay.get(key) ?? 0) + 1
    this.underWay.set(key, atOnce)
    this.mostAtOnce = Math.max(this.mostAtOnce, atOnce)
    await this.deliver(`${reader} > source read ${key}`)
    const row = this.present(key)
    await this.deliver(`${reader} < source read ${key}`)
    this.underWay.set(key, this.underWay.get(key)! - 1)
    return row
  }

  /** A row to be written, whose place among all writes of its key is settled now. */
  draft(key: string): Row {
    const version = (this.drafted.get(key) ?? 0) + 1
    this.drafted.set(key, version)
    return { key, version }
  }

  /** Resolves with the row when its writer knows of it. An older one changes nothing. */
  async write(key: string, writer = '', draft?: Row): Promise<Row> {
    await this.deliver(`${writer} > source write ${key}`)
    if (this.isRefusing) throw new Error('the source refuses')
    const row = draft ?? this.draft(key)
    this.versions.set(key, Math.max(this.present(key).version, row.version))
    await this.deliver(`${writer} < source write ${key}`)
    return row
  }
}
