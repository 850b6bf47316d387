/** The thread of a load: connects, says ready, waits for the first phase, runs, reports. */
import { parentPort, workerData } from 'node:worker_threads'
import { CachectlError, describeError, ExitCode } from '../../errors.js'
import { LoadEngine } from './engine.js'
import { measureHostNoise } from './host-noise.js'
import { control, phaseCode } from './memory.js'
import type { LoadJob, ThreadMessage } from './protocol.js'
import { LoadThread } from './thread.js'

const job = workerData as LoadJob
const say = (message: ThreadMessage) => parentPort?.postMessage(message)

try {
  const noise = job.measuresNoise ? measureHostNoise() : { p999Ms: 0, maxMs: 0 }
  const thread = new LoadThread(job, new LoadEngine(job), noise)
  await thread.connect()
  thread.onRest = (seconds) => say({ kind: 'resting', seconds })
  parentPort?.on('message', (phase: number) => {
    if (phase === phaseCode.wait) thread.endTurn()
    else thread.look()
  })
  say({ kind: 'ready' })
  Atomics.wait(job.memory.control, control.phase, phaseCode.wait)
  say({ kind: 'done', ...(await thread.run()) })
} catch (error) {
  const ours = error instanceof CachectlError ? error : undefined
  say({
    kind: 'failed',
    message: ours ? ours.message : describeError(error),
    exitCode: ours?.exitCode ?? ExitCode.bug,
    ...(ours?.remedy ? { remedy: ours.remedy } : {}),
  })
}
