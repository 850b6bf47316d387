/** The two sides of `bench ab`: what both have in common stands once, what differs in --a and --b. */
import { parseArgsStringToArgv } from 'string-argv'
import { describeError, invalid } from './errors.js'

/** What oclif says about a token it has parsed. */
export interface RawToken {
  readonly type: 'arg' | 'flag'
  readonly flag?: string
  readonly input: string
}

/** The command line again, without the flags of `bench ab` itself. */
export function commonArguments(
  tokens: readonly RawToken[],
  own: readonly string[],
  isBoolean: (flag: string) => boolean,
): string[] {
  return tokens.flatMap(({ type, flag, input }) => {
    if (type !== 'flag' || flag === undefined || own.includes(flag)) return []
    return isBoolean(flag) ? [`--${flag}`] : [`--${flag}`, input]
  })
}

/** A side's own flags, quoted as in a shell. */
export function sideArguments(text: string): string[] {
  return parseArgsStringToArgv(text)
}

/** Errors of a side name it. */
export async function ofSide<T>(name: 'a' | 'b', body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw invalid(`--${name}: ${describeError(error)}`, undefined, error)
  }
}
