/**
 * The TypeScript of Markdown pages. A block stands for itself, or goes on with the one before it where
 * `<!-- continues -->` stands above it; under `<!-- not run -->` it is compiled only.
 */

export interface Snippet {
  /** For messages: `docs/cache/tags.md:12`. */
  readonly place: string
  readonly code: string
  readonly isRun: boolean
  /** What it prints, by its `// →` comments. */
  readonly prints: readonly string[]
}

const block = /(?:<!-- (continues|not run) -->\n+)?```ts\n([\s\S]*?)\n```/g

export function snippetsOf(page: string, text: string): Snippet[] {
  const snippets: Snippet[] = []
  for (const match of text.matchAll(block)) {
    const [, mark, code = ''] = match
    const line = text.slice(0, match.index).split('\n').length
    const prints = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, print = '']) => print)
    const before = snippets.at(-1)
    if (mark === 'continues') {
      if (!before) throw new Error(`${page}:${line}: there is nothing to go on with`)
      snippets[snippets.length - 1] = {
        ...before,
        code: `${before.code}\n${code}`,
        prints: [...before.prints, ...prints],
      }
    } else snippets.push({ place: `${page}:${line}`, code, isRun: mark !== 'not run', prints })
  }
  return snippets
}
