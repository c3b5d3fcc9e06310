import { parseRecord, type SealedRecord } from '../../log/record.ts';

/** True if a row was checked: not, checked here against a pinned key, or refused. */
export type Trust = 'unchecked' | 'checked' | 'refused';

/** A record as it is listed. */
export interface Row {
  readonly trail: string;
  readonly seq: number;
  readonly receivedAt: number;
  /** As it was hashed. */
  readonly line: string;
  readonly trust: Trust;
}

/** The row of a line. @throws `malformed_record` */
export function rowOf(line: string, trust: Trust): Row {
  const { trail, seq, receivedAt } = recordOf(line);
  return { trail, seq, receivedAt, line, trust };
}

/** Lines whose records were asked for last: only those in view are. */
const MAX_PARSED = 2_000;
const parsed = new Map<string, SealedRecord>();

/** Reads a line. A million records are kept as lines: only those in view are read. @throws `malformed_record` */
export function recordOf(line: string): SealedRecord {
  const known = parsed.get(line);
  if (known !== undefined) return known;
  const record = parseRecord(line);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(line, record);
  return record;
}

/** `<trail>/<seq>`: names a row in addresses. */
export const rowName = ({ trail, seq }: Pick<Row, 'trail' | 'seq'>): string => `${trail}/${seq}`;

/** Newest first, and of one moment the later number; trails by name. */
export const newerFirst = (a: Row, b: Row): number =>
  b.receivedAt - a.receivedAt || (a.trail === b.trail ? b.seq - a.seq : a.trail < b.trail ? -1 : 1);
