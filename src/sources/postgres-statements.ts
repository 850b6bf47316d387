/**
 * The SQL of a table. Rows travel as one JSON text, which PostgreSQL reads by the table's own column types; names are
 * quoted, and nothing else of an application stands in a statement.
 */
import type { TableShape } from './postgres-options.js'

export interface Statements {
  /** $1 keys → key, value as JSON text, version where that stands beside the value. */
  readonly load: string
  /** $1 rows as JSON. */
  readonly upsert: string
  /** $1 rows as JSON, $2 source, $3 keys, $4 sequence numbers, all in one order. */
  readonly fencedUpsert: string
  /** $1 keys. */
  readonly remove: string
  /** $1 source, $2 keys, $3 sequence numbers → the keys whose number is the largest so far. */
  readonly fence: string
  readonly createFence: string
  /** undefined: only a table of one value column can be made without knowing types. */
  readonly createTable: string | undefined
}

/** Doubling the quotes is all that an identifier needs (PostgreSQL 4.1.1). */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function statementsOf(shape: TableShape): Statements {
  const { schema, versionColumn, content } = shape
  const place = (name: string) => (schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`)
  const [table, fenceTable, key] = [place(shape.table), place(shape.fenceTable), quoted(shape.keyColumn)]
  const written = columnsOf(shape)
  const names = written.map(quoted)
  const changes = names.filter((name) => name !== key).map((name) => `${name} = excluded.${name}`)
  const version = versionColumn === undefined ? undefined : quoted(versionColumn)
  const onlyOlder = version ? ` WHERE t.${version} IS NULL OR t.${version} < excluded.${version}` : ''
  const upsertFrom = (from: string) =>
    `INSERT INTO ${table} AS t (${names.join(', ')}) SELECT ${names.map((name) => `r.${name}`).join(', ')} ` +
    // in one order everywhere, so that two batches do not wait for each other
    `FROM ${from} ORDER BY r.${key} ` +
    `ON CONFLICT (${key}) DO UPDATE SET ${changes.join(', ')}${onlyOlder}`
  const fenceFrom = (from: string) =>
    `INSERT INTO ${fenceTable} AS f (source, key, seq) ${from} ` +
    'ON CONFLICT (source, key) DO UPDATE SET seq = excluded.seq, written_at = excluded.written_at ' +
    'WHERE f.seq < excluded.seq RETURNING f.key'
  return {
    load: `SELECT t.${key}::text AS key, ${valueText(shape)} FROM ${table} AS t WHERE t.${key} = ANY($1)`,
    upsert: upsertFrom(`json_populate_recordset(NULL::${table}, $1::json) AS r`),
    fencedUpsert:
      `WITH given AS (SELECT * FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS g(key, seq, at)), ` +
      `passed AS (${fenceFrom('SELECT $2, g.key, g.seq FROM given AS g ORDER BY g.key')}) ` +
      upsertFrom(
        'json_array_elements($1::json) WITH ORDINALITY AS e(item, at) ' +
          'JOIN given ON given.at = e.at JOIN passed ON passed.key = given.key, ' +
          `json_populate_record(NULL::${table}, e.item) AS r`,
      ),
    remove: `DELETE FROM ${table} AS t WHERE t.${key} = ANY($1)`,
    fence: fenceFrom(
      'SELECT $1, g.key, g.seq FROM unnest($2::text[], $3::bigint[]) AS g(key, seq) ORDER BY g.key',
    ),
    createFence:
      `CREATE TABLE IF NOT EXISTS ${fenceTable} (source text NOT NULL, key text NOT NULL, seq bigint NOT NULL, ` +
      'written_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, key))',
    createTable:
      content.kind === 'columns'
        ? undefined
        : `CREATE TABLE IF NOT EXISTS ${table} (${key} text PRIMARY KEY, ${quoted(content.column)} jsonb NOT NULL` +
          `${version ? `, ${version} bigint NOT NULL` : ''})`,
  }
}

/** The columns that a write sets. */
function columnsOf({ keyColumn, content, versionColumn }: TableShape): string[] {
  if (content.kind === 'columns') return [keyColumn, ...content.columns]
  return [keyColumn, content.column, ...(versionColumn === undefined ? [] : [versionColumn])]
}

/** The value as JSON text, and its version where that stands in a column of its own. */
function valueText({ content, versionColumn }: TableShape): string {
  if (content.kind === 'columns') {
    const columns = content.columns.map((name) => `t.${quoted(name)}`).join(', ')
    return `(SELECT row_to_json(r)::text FROM (SELECT ${columns}) AS r) AS value`
  }
  const version = versionColumn === undefined ? '' : `, t.${quoted(versionColumn)}::text AS version`
  return `to_json(t.${quoted(content.column)})::text AS value${version}`
}
