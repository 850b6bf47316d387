/**
 * The story that `npm start` tells: three servers, a ring, load, hot keys, a fourth node, gates, clean-up.
 * Every step is a command a user could type, run by the same binary; a step that ends otherwise than expected ends the demo.
 */
import { CachectlError, ExitCode } from '../errors.js'

export interface DemoPort {
  /** Topology files on free ports: the ring of three, and the node that joins later. */
  readonly workspace: { readonly ringFile: string; readonly spareFile: string; readonly spareUrl: string }
  /** Runs one cachectl command in a process of its own and shows what it prints; resolves to its exit code. */
  run(
    args: readonly string[],
    options: { readonly quiet: boolean; readonly signal: AbortSignal },
  ): Promise<number>
  /** Shows the step's title and the command line, quoted for a shell, before it runs. */
  announce(title: string, commandLine: string): void
  nowMs(): number
}

export interface DemoStep {
  readonly title: string
  readonly args: readonly string[]
  readonly expectedExitCode: number
  /** Load that runs beside the step, as clients would. */
  readonly beside?: readonly string[]
}

export interface DemoResult {
  readonly schema: 'cachectl/demo/v1'
  readonly steps: readonly { command: string; exitCode: number; seconds: number }[]
  readonly seconds: number
}

export function demoSteps(workspace: DemoPort['workspace']): DemoStep[] {
  const t = ['-t', workspace.ringFile]
  const zipf = ['--keys', '50000', '--distribution', 'zipf:0.99', '--value-bytes', '100']
  const step = (title: string, args: readonly string[], rest: Partial<DemoStep> = {}): DemoStep => {
    return { title, args, expectedExitCode: ExitCode.ok, ...rest }
  }
  return [
    step('Three real servers start.', ['lab', 'up', ...t]),
    step('50,000 keys are written, then load runs through the ring: 9 reads to 1 write.', [
      ...['bench', ...t, ...zipf, '--read-ratio', '0.9', '--connections', '20', '--pipeline', '4'],
      ...['--duration', '5s', '--fill', '--keep'],
    ]),
    step('What the ring looks like now, from the servers.', ['ring', 'show', ...t]),
    step(
      'Which keys are hot? Sampled while load runs; values are never looked at.',
      ['hotkeys', ...t, '--top', '5', '--max-time', '6s'],
      {
        beside: [
          'bench',
          ...t,
          ...zipf,
          '--read-ratio',
          '0.9',
          '--connections',
          '8',
          '--duration',
          '9s',
          '--keep',
        ],
      },
    ),
    step('A fourth server starts; it is not in the ring yet.', ['lab', 'up', '-t', workspace.spareFile]),
    step('It joins: about a quarter of the keys move, all of them to the new node.', [
      ...['ring', 'add', `n4=${workspace.spareUrl}`, ...t, '--yes'],
    ]),
    step('Is every key exactly once in the ring, on its owner?', ['ring', 'check', ...t]),
    step('Nothing was lost: every read still hits. A gate makes that a check for CI.', [
      ...['bench', ...t, ...zipf, '--read-ratio', '1', '--connections', '20', '--duration', '4s', '--keep'],
      ...['--gate', 'hit_ratio==1', '--gate', 'errors==0'],
    ]),
    step(
      'A gate that can not hold fails the build: exit code 3.',
      [...['bench', ...t, ...zipf, '--connections', '20', '--duration', '2s', '--gate', 'p99<1us']],
      { expectedExitCode: ExitCode.found },
    ),
  ]
}

/** Runs the story; the servers go down at the end, whatever happens. */
export async function runDemo(port: DemoPort, signal: AbortSignal): Promise<DemoResult> {
  const startedMs = port.nowMs()
  const steps: { command: string; exitCode: number; seconds: number }[] = []
  const play = async (step: DemoStep, stepSignal: AbortSignal) => {
    stepSignal.throwIfAborted()
    port.announce(step.title, commandLine(step.args))
    const stepStartedMs = port.nowMs()
    const exitCode = await runStep(port, step, stepSignal)
    const seconds = (port.nowMs() - stepStartedMs) / 1000
    steps.push({ command: commandLine(step.args), exitCode, seconds })
    stepSignal.throwIfAborted()
    if (exitCode !== step.expectedExitCode) throw unexpected(step, exitCode)
  }
  try {
    for (const step of demoSteps(port.workspace)) await play(step, signal)
  } finally {
    for (const file of [port.workspace.spareFile, port.workspace.ringFile]) {
      const args = ['lab', 'down', '-t', file]
      await play(
        { title: 'The servers go down.', args, expectedExitCode: ExitCode.ok },
        new AbortController().signal,
      )
    }
  }
  return { schema: 'cachectl/demo/v1', steps, seconds: (port.nowMs() - startedMs) / 1000 }
}

async function runStep(port: DemoPort, step: DemoStep, signal: AbortSignal): Promise<number> {
  if (!step.beside) return port.run(step.args, { quiet: false, signal })
  const ended = new AbortController()
  const beside = port.run(step.beside, { quiet: true, signal: AbortSignal.any([signal, ended.signal]) })
  try {
    return await port.run(step.args, { quiet: false, signal })
  } finally {
    ended.abort()
    await beside
  }
}

/** As it can be pasted into a shell: `p99<1us` bare would be a redirection. */
function commandLine(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
  return `cachectl ${quoted.join(' ')}`
}

function unexpected(step: DemoStep, exitCode: number): CachectlError {
  return new CachectlError(
    `the demo stopped: ${commandLine(step.args)} exited with ${exitCode}, expected ${step.expectedExitCode}`,
    { exitCode: ExitCode.stopped, remedy: 'Its own message stands above.' },
  )
}
