import type { SignedHttp } from '../../../client/http/http.ts';
import { readValues } from '../../../import/read-values.ts';
import type { ImportSource } from '../../../import/source.ts';
import { SealtrailError } from '../../../log/error.ts';
import { isObject } from '../../../log/json.ts';
import { parseRecord } from '../../../log/record.ts';
import { queryPages } from '../../output/pages.ts';
import type { Batch, InputEvent, OnRefusal } from '../../upload/input.ts';

/** An event made of a record of another system. */
export interface ImportedEvent extends InputEvent {
  readonly id: string;
}

/** Events of a batch, and ids in one question to the log: it takes at most 50 values of a filter. */
const BATCH_EVENTS = 200;
const IDS_AT_ONCE = 50;
/** UTF-8 bytes of a batch: a request may have 5,000,000. */
const BATCH_BYTES = 4_000_000;

/** The events of a file. @param onRefusal called for anything but a record of the source, which is passed over */
export async function* importedEvents(
  chunks: AsyncIterable<Uint8Array | string>,
  source: ImportSource,
  onRefusal: OnRefusal,
): AsyncGenerator<ImportedEvent> {
  for await (const { value, where } of readValues(chunks)) {
    const records = source.records(value);
    for (const [at, record] of records.entries()) {
      const place = records.length === 1 ? where : `${where}, record ${at + 1}`;
      const event = isObject(record) ? source.event(record) : undefined;
      if (event?.id !== undefined) yield { id: event.id, json: JSON.stringify(event), where: place };
      else
        onRefusal({ where: place, error: new SealtrailError('invalid_event', `${place} is no record of this source`) });
    }
  }
}

/** Batches without the events that are in the trail already, and without those that come twice. */
export class FreshBatches {
  readonly #known: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Events that the trail had before. */
  skipped = 0;

  /** @param known which of some ids the trail has */
  constructor(known: (ids: readonly string[]) => Promise<ReadonlySet<string>>) {
    this.#known = known;
  }

  /** Asks for a batch only when the one before was taken: what it appended is known by then. */
  async *of(events: AsyncIterable<ImportedEvent>): AsyncGenerator<Batch> {
    let batch = new Map<string, ImportedEvent>();
    let bytes = 0;
    for await (const event of events) {
      const size = Buffer.byteLength(event.json);
      if (batch.size >= BATCH_EVENTS || bytes + size > BATCH_BYTES) {
        yield* this.#fresh(batch);
        batch = new Map();
        bytes = 0;
      }
      if (batch.has(event.id)) this.skipped += 1;
      else batch.set(event.id, event);
      bytes += size;
    }
    yield* this.#fresh(batch);
  }

  async *#fresh(batch: ReadonlyMap<string, ImportedEvent>): AsyncGenerator<Batch> {
    const known = await this.#known([...batch.keys()]);
    const events = [...batch.values()].filter(({ id }) => !known.has(id));
    this.skipped += batch.size - events.length;
    if (events.length > 0) yield { events, bytes: events.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0) };
  }
}

/** Which of some ids a trail has. A trail that is not there yet has none. */
export function idsIn(http: SignedHttp, trail: string, signal: AbortSignal) {
  return async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
    const found = new Set<string>();
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      const id = ids.slice(from, from + IDS_AT_ONCE);
      try {
        for await (const { lines } of queryPages(
          http,
          [trail],
          { id, order: 'oldest' },
          Number.POSITIVE_INFINITY,
          signal,
        )) {
          for (const line of lines) found.add(String(parseRecord(line).event.id));
        }
      } catch (error) {
        if (!(error instanceof SealtrailError) || error.code !== 'not_found') throw error;
      }
    }
    return found;
  };
}
