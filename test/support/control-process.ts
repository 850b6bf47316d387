/**
 * Another process at a control store, for tests that kill it or watch it end: `hold` takes the lease and keeps it, `write`
 * counts the epoch up and tells each acknowledged one, `watch` watches for a moment and has to end by itself.
 */
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { openControl } from '../../src/open-control.js'
import { firstState } from '../../src/ring/epoch.js'

const [topologyFile, job] = process.argv.slice(2)
const file = await loadTopology(topologyFile!)
const control = await openControl(file)
const tell = (text: string) => process.stdout.write(`${text}\n`)

if (job === 'hold') {
  const lease = await control.acquireLease(`pid ${process.pid}`)
  tell(String(lease.token))
  setInterval(() => lease.renew(), 1_000)
} else if (job === 'write') {
  for (;;) {
    const stored = await control.load()
    const next = { ...firstState(file.topology), epoch: (stored?.state.epoch ?? 0) + 1 }
    if (await control.compareAndSwap(stored, next)) tell(String(next.epoch))
  }
} else {
  const abort = new AbortController()
  for await (const { state } of control.watch(abort.signal)) {
    tell(String(state.epoch))
    // the next look is under way when it is told to end
    systemClock.sleep(300).then(() => abort.abort())
  }
  await control.close()
}
