import { resolveType } from '../../contract/catalogue.ts';
import {
  type EventFilters,
  type EventQuery,
  type FilterName,
  filterOf,
  MASKED_FILTERS,
  type Masked,
  negationOf,
} from '../../contract/query.ts';
import { timeMillis } from '../../contract/time.ts';
import { fieldPath, type Step } from '../../json/field-path.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { RECORD_VERSION } from '../../log/record-format.ts';
import { maskValue } from '../../privacy/mask.ts';
import { REDACTED } from '../../privacy/secret-value.ts';
import { SeenMasks } from '../../question/masks.ts';
import { selectRecords } from '../../question/selection.ts';
import type { KeptEvent, Sink } from '../event/sink.ts';
import type { LogRecord } from './reader.ts';

/** Nothing chains what a sink keeps. */
const NO_PREV = '0'.repeat(64);

/** A sink that can be asked. */
export type KeepingSink = Sink & Required<Pick<Sink, 'kept'>>;

/** Asks for the records that pass a query. `onRecord` is called with every one that was looked at. */
export type AskSink = (
  query: EventQuery,
  onRecord?: (record: LogRecord) => void,
) => AsyncGenerator<LogRecord, void, undefined>;

/** A kept event as a record, with what a log would fill in; undefined where it is damaged. */
export function recordOf({ name }: Sink, { json, seq, loggedAt }: KeptEvent): LogRecord | undefined {
  const event = eventIn(json);
  if (event === undefined) return undefined;
  const type = resolveType(event.type);
  const time = typeof event.time === 'string' ? timeMillis(event.time) : undefined;
  const known = { severity: type?.severity ?? 'info', ...(type?.outcome !== undefined && { outcome: type.outcome }) };
  return {
    ...{ v: RECORD_VERSION, trail: name, seq, prev: NO_PREV, receivedAt: loggedAt ?? time ?? 0, submitter: 'local' },
    // The cast: the logger checked it, or the sink was written to by others, of whom nothing more is known.
    event: {
      ...known,
      ...event,
      ...redactedIn(json, event),
      type: type?.name ?? event.type,
    } as unknown as LogRecord['event'],
  };
}

/** Where something was redacted, as a log says it. */
function redactedIn(json: string, event: object): { readonly redacted?: readonly string[] } {
  if (!json.includes(REDACTED)) return {};
  const paths: string[] = [];
  const look = (value: unknown, steps: readonly Step[]): void => {
    if (typeof value === 'string' && value.includes(REDACTED)) paths.push(fieldPath(steps));
    else if (Array.isArray(value)) for (const [at, item] of value.entries()) look(item, [...steps, at]);
    else if (isObject(value)) for (const [name, item] of Object.entries(value)) look(item, [...steps, name]);
  };
  look(event, []);
  return { redacted: paths.sort() };
}

function eventIn(json: string): (Record<string, unknown> & { readonly type: string }) | undefined {
  try {
    const event = parseJson(json);
    // The cast: its type was checked.
    return isObject(event) && typeof event.type === 'string'
      ? (event as Record<string, unknown> & { type: string })
      : undefined;
  } catch {
    return undefined;
  }
}

/** A value's masked form, which a sink may hold in its place. */
export function masksOf(name: FilterName, value: string): readonly string[] {
  const isMasked = MASKED_FILTERS.some((filter) => filter === filterOf(name));
  return isMasked && maskValue(value) !== value ? [maskValue(value)] : [];
}

/**
 * Looks for values that a sink holds in masked form. Without the secret of a log there are no tags: people whose addresses look alike
 * have the same mask, and an answer says so.
 */
export class SinkMasks {
  readonly #seen: SeenMasks;

  constructor(filters: EventFilters) {
    const masked = MASKED_FILTERS.flatMap((filter) =>
      [filter, negationOf(filter)].flatMap((name) =>
        [filters[name] ?? []].flat().flatMap((value): Masked[] => {
          const asked = String(value);
          return masksOf(name, asked).map((as) => ({ filter, asked, as, shared: as }));
        }),
      ),
    );
    this.#seen = new SeenMasks(masked);
  }

  /** @param record one that passed */
  see(record: LogRecord): void {
    this.#seen.see(JSON.stringify(record.event));
  }

  /** Of the values those that records have in masked form: a sink may hold others as they are. */
  get found(): { readonly masked?: readonly Masked[] } {
    const masked = this.#seen.found.filter(({ shared }) => shared !== undefined);
    return masked.length > 0 ? { masked } : {};
  }
}

/** The findings of a question to a sink besides its records. */
export interface Looked {
  readonly damaged: (kept: KeptEvent) => void;
  /** Called with every record that was looked at. */
  readonly onRecord?: (record: LogRecord) => void;
}

/**
 * The records of a sink that pass a question, in its order.
 *
 * @throws `invalid_parameter` with the field; as `Sink.kept`
 */
export async function* keptRecords(
  sink: KeepingSink,
  query: EventQuery,
  { damaged, onRecord }: Looked,
): AsyncGenerator<LogRecord, void, void> {
  const { passes } = selectRecords(query, Date.now(), masksOf);
  for await (const kept of sink.kept(query.order ?? 'newest')) {
    const record = recordOf(sink, kept);
    if (record === undefined) damaged(kept);
    else {
      onRecord?.(record);
      if (passes(record)) yield record;
    }
  }
}

/** Called once per question that met damage: the rest is in `verifyIntegrity`. */
export function damageOf({ name }: Sink, { seq, place }: KeptEvent): SealtrailError {
  const where = place === undefined ? `event ${seq}` : place;
  return new SealtrailError(
    'store_corrupt',
    `${where} of the ${name} sink is not an event, and is left out of answers`,
  );
}
