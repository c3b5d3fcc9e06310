import { DIMENSIONS } from '../../contract/dimensions.ts';
import { type Absence, type EventQuery, filterOf } from '../../contract/query.ts';
import { COUNTED, type Counted } from '../../contract/summary.ts';
import { absencesOf } from '../../question/absences.ts';
import { type FieldReader, fieldReader } from '../../question/fields.ts';
import { nearNames } from '../../question/near.ts';
import { selectRecords } from '../../question/selection.ts';
import { dimensionPattern, filterTest, type RecordTest } from '../../question/tests.ts';
import { filterValue } from '../../question/values.ts';
import { type AskSink, masksOf, SinkMasks } from './kept-records.ts';
import type { LogRecord, QueryWatch } from './reader.ts';

/** Values of a dimension among which near ones are looked for. */
const MAX_NAMES = 1000;

interface Wanted {
  readonly filter: (typeof DIMENSIONS)[number];
  readonly value: string;
  readonly isIt: RecordTest;
  readonly read: FieldReader | undefined;
  readonly names: Set<string>;
  exists: boolean;
}

/** The records that pass a question, and a word at the end on what was looked at and why there may be none. */
export async function* watchedRecords(
  ask: AskSink,
  trail: string,
  query: EventQuery,
  onPage: NonNullable<QueryWatch['onPage']>,
): AsyncGenerator<LogRecord, void, undefined> {
  const seen = new SinkAbsence(query);
  const masks = new SinkMasks(query);
  let [asOf, found] = [0, 0];
  const onRecord = (record: LogRecord): void => {
    asOf = Math.max(asOf, record.seq + 1);
    seen.look(record);
  };
  for await (const record of ask(query, onRecord)) {
    found += 1;
    masks.see(record);
    yield record;
  }
  onPage({ asOf, scanned: asOf, more: false, ...masks.found, ...(found === 0 && { absence: seen.reasons(trail) }) });
}

/** Looks at all records of a sink, to say why none of them passed a question. */
class SinkAbsence {
  readonly #wanted: readonly Wanted[];
  readonly #isInPeriod: RecordTest;
  readonly #period: { readonly from?: number | undefined; readonly to?: number | undefined };
  #isAny = false;
  #size = 0;
  #first: number | undefined;
  #newest: number | undefined;

  constructor(query: EventQuery) {
    const { from, to, seq, tz } = query;
    const { passes, ...period } = selectRecords({ from, to, seq, tz }, Date.now(), () => []);
    this.#isInPeriod = passes;
    this.#period = period;
    this.#wanted = DIMENSIONS.flatMap((filter) =>
      filter === 'severity' ? [] : [query[filter] ?? []].flat().flatMap((value) => wantedOf(filter, value)),
    );
  }

  look(record: LogRecord): void {
    this.#size = Math.max(this.#size, record.seq + 1);
    this.#first = Math.min(this.#first ?? record.receivedAt, record.receivedAt);
    this.#newest = Math.max(this.#newest ?? record.receivedAt, record.receivedAt);
    this.#isAny ||= this.#isInPeriod(record);
    for (const wanted of this.#wanted) {
      wanted.exists ||= wanted.isIt(record);
      if (wanted.read !== undefined && wanted.names.size < MAX_NAMES) {
        for (const name of wanted.read(record)) wanted.names.add(name);
      }
    }
  }

  reasons(trail: string): readonly Absence[] {
    const missing = this.#wanted.filter(({ exists }) => !exists);
    return absencesOf({
      ...{ trail, size: this.#size, first: this.#first, newest: this.#newest, isInPeriod: this.#isAny },
      ...{ from: this.#period.from, to: this.#period.to },
      missing: missing.map(({ filter, value, names }) => ({ filter, value, near: nearNames(value, names) })),
    });
  }
}

function wantedOf(filter: Wanted['filter'], asked: string): Wanted[] {
  const value = filterValue(filterOf(filter) ?? 'text', asked);
  if (dimensionPattern(filter, value).kind !== 'whole') return [];
  const isCounted = COUNTED.includes(filter as Counted);
  const read = isCounted ? fieldReader(filter) : undefined;
  return [
    {
      filter,
      value,
      isIt: filterTest(filter, [value, ...masksOf(filter, value)]),
      read,
      names: new Set(),
      exists: false,
    },
  ];
}
