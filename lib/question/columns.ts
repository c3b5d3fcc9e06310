import type { SealedRecord } from '../log/record.ts';

/** How a column's values are typed where the format has types. */
export type ColumnType = 'text' | 'count' | 'time' | 'json';

/** A column of a tabular export, with where its value stands in a record. */
export interface Column {
  readonly name: string;
  readonly path: readonly string[];
  /** `time`: Unix milliseconds in the record. `json`: any JSON. */
  readonly type: ColumnType;
}

const ROWS: readonly (readonly [name: string, path: string, type?: ColumnType])[] = [
  ['seq', 'seq', 'count'],
  ['receivedAt', 'receivedAt', 'time'],
  ['submitter', 'submitter'],
  ['id', 'event.id'],
  ['time', 'event.time'],
  ['type', 'event.type'],
  ['action', 'event.action'],
  ['outcome', 'event.outcome'],
  ['severity', 'event.severity'],
  ['decision', 'event.decision'],
  ['actorId', 'event.actor.id'],
  ['actorType', 'event.actor.type'],
  ['actorName', 'event.actor.name'],
  ['actorIp', 'event.actor.ip'],
  ['userAgent', 'event.actor.userAgent'],
  ['resourceType', 'event.resource.type'],
  ['resourceId', 'event.resource.id'],
  ['resourceName', 'event.resource.name'],
  ['tenant', 'event.context.tenant'],
  ['project', 'event.context.project'],
  ['session', 'event.context.session'],
  ['request', 'event.context.request'],
  ['correlation', 'event.context.correlation'],
  ['agent', 'event.context.agent'],
  ['contextAction', 'event.context.action'],
  ['approval', 'event.context.approval'],
  ['description', 'event.description'],
  ['changes', 'event.changes', 'json'],
  ['details', 'event.details', 'json'],
  ['redacted', 'event.redacted', 'json'],
  ['converted', 'event.converted', 'json'],
];

/** The columns of CSV and Parquet exports, in order. They are a public contract: new ones are added at the end. */
export const COLUMNS: readonly Column[] = ROWS.map(([name, path, type = 'text']) => ({
  name,
  path: path.split('.'),
  type,
}));

/** The value of a record in a column; undefined if it has none. */
export function valueIn(record: SealedRecord, { path }: Column): unknown {
  let value: unknown = record;
  for (const key of path) {
    // Own members only: `__proto__` and its like are data in a record, and never a way out of it.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value ?? undefined;
}
