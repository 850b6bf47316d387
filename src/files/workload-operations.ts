/** The operations of a workload file: built-in ones by name and weight, others as commands, pipelines or Lua. */
import { CachectlError } from '../errors.js'
import { parseCommandTemplate, parseScriptArguments } from '../workload/command-template.js'
import {
  builtIn,
  isBuiltIn,
  keyspaceOf,
  operationNameProblem,
  refuseRepeated,
  unknownOperation,
} from '../workload/operations.js'
import type { CommandTemplate, OperationSpec } from '../workload/workload.js'
import type { OperationFields, WorkloadFields } from './workload-schema.js'
import type { YamlPath, YamlProblem } from './yaml-document.js'

/** Runs `parse` and keeps its mistake, with the field where it stands, for all of them to be told at once. */
export type Attempt = <Value>(path: YamlPath, parse: () => Value) => Value | undefined

/** Mistakes go to `problems`. */
export function createAttempt(problems: YamlProblem[]): Attempt {
  return (path, parse) => {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof CachectlError)) throw error
      problems.push({ path, message: error.message })
      return undefined
    }
  }
}

/** `readText` gives a file's text, or has told why there is none. */
export async function toOperations(
  fields: NonNullable<WorkloadFields['operations']>,
  tell: {
    readonly problems: YamlProblem[]
    readText(path: YamlPath, file: string): Promise<string | undefined>
  },
): Promise<OperationSpec[]> {
  const attempt = createAttempt(tell.problems)
  const operations: OperationSpec[] = []
  const keep = (operation: OperationSpec | undefined) => {
    if (operation) operations.push(operation)
  }
  if (!Array.isArray(fields)) {
    for (const [name, weight] of Object.entries(fields))
      keep(attempt(['operations', name], () => builtIn(name, weight)))
    if (Object.keys(fields).length === 0)
      tell.problems.push({ path: ['operations'], message: 'expected at least one operation' })
  } else {
    for (const [index, each] of fields.entries()) {
      const path = ['operations', index]
      const problem = shapeProblem(each)
      if (problem) tell.problems.push({ path: [...path, problem[0]], message: problem[1] })
      else if (bodies(each).length === 0)
        keep(attempt([...path, 'name'], () => builtIn(each.name, each.weight)))
      else {
        const lua =
          each.luaFile === undefined ? each.lua : await tell.readText([...path, 'luaFile'], each.luaFile)
        const commands = commandsOf(each, lua, path, attempt)
        if (commands) keep(custom(each, commands))
      }
    }
  }
  attempt(['operations'], () => refuseRepeated(operations))
  return operations
}

const bodyFields = ['command', 'pipeline', 'lua', 'luaFile'] as const

function bodies(fields: OperationFields): string[] {
  return bodyFields.filter((field) => fields[field] !== undefined)
}

/** `[field, what was expected]`. */
function shapeProblem(fields: OperationFields): [field: string, message: string] | undefined {
  const [body, second] = bodies(fields)
  if (second !== undefined) return [second, `${body} is given too, expected one of ${bodyFields.join(', ')}`]
  if (fields.args !== undefined && body !== 'lua' && body !== 'luaFile')
    return ['args', 'expected lua or luaFile beside it: a command has its arguments in its own text']
  if (body === undefined) {
    if (fields.keyspace !== undefined)
      return ['keyspace', 'a built-in operation has its own, expected no such field']
    const [plain = ''] = fields.name.split(':')
    return isBuiltIn(plain)
      ? undefined
      : ['name', `${unknownOperation(fields.name)}; or command, pipeline, lua or luaFile beside it`]
  }
  const problem = operationNameProblem(fields.name)
  return problem === undefined ? undefined : ['name', problem]
}

function commandsOf(
  fields: OperationFields,
  lua: string | undefined,
  path: YamlPath,
  attempt: Attempt,
): readonly CommandTemplate[] | undefined {
  const { command, pipeline, args } = fields
  if (command !== undefined) {
    const template = attempt([...path, 'command'], () => parseCommandTemplate(command))
    return template && [template]
  }
  if (pipeline) {
    const templates = pipeline.map((line, index) =>
      attempt([...path, 'pipeline', index], () => parseCommandTemplate(line)),
    )
    return templates.every((template) => template !== undefined) ? templates : undefined
  }
  const rest = attempt([...path, 'args'], () => parseScriptArguments(args ?? ''))
  if (lua === undefined || !rest) return undefined
  return [[text('EVALSHA'), { kind: 'script', text: lua }, text('1'), { kind: 'key' }, ...rest]]
}

function text(value: string): CommandTemplate[number] {
  return { kind: 'text', text: value }
}

function custom(fields: OperationFields, commands: readonly CommandTemplate[]): OperationSpec {
  const { name, weight } = fields
  const first = commands[0]?.[0]
  const keyspace = fields.keyspace ?? (first?.kind === 'text' ? keyspaceOf(first.text) : '')
  return { name, kind: 'command', weight, keyspace, commands }
}
