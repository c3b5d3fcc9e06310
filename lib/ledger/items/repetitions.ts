import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import { type Rebuilt, readRebuilt, recalled } from './recalled.ts';

/** Events that were sent under an idempotency key. */
interface Repeatable {
  readonly trail: string;
  readonly submitter: string;
  readonly events: readonly { readonly id: string; readonly json: string }[];
}

/** The dependencies of {@link Repetitions}. */
export interface RepetitionsOptions {
  readonly table: Table;
  /** A record's line. */
  readonly record: (trail: string, seq: number) => Promise<string | undefined>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Finds what is sent again under its idempotency key to a trail that was rebuilt meanwhile, and so has lost the key. It is a repetition
 * where records of the same submitter have the same events, ids included, one after the other. Events that are sent without an id
 * under a key have one that follows from the key, so that these are found too.
 */
export class Repetitions {
  readonly #options: RepetitionsOptions;
  /** A trail is rebuilt while no process has it open: each is looked up once. */
  readonly #rebuilt = new Map<string, Promise<Rebuilt | undefined>>();

  constructor(options: RepetitionsOptions) {
    this.#options = options;
  }

  /**
   * Where the events of a request already stand.
   *
   * @throws `idempotency_conflict` where the archive held the first of them only, because it ended there; `store_corrupt`, and the
   *   errors of the stores
   */
  async landingOf({ trail, submitter, events }: Repeatable): Promise<{ first: number; count: number } | undefined> {
    const { table, now } = this.#options;
    const rebuilt = await this.#rebuiltAt(trail);
    if (rebuilt === undefined || rebuilt.until * 1000 < now()) return undefined;
    for (const first of await recalled(table, trail, submitter, events[0]?.id ?? '')) {
      const count = await this.#same(trail, first, events, rebuilt.size);
      if (count === events.length) return { first, count };
      if (count > 0 && first + count === rebuilt.size) throw cutOff(trail, first, count);
    }
    return undefined;
  }

  #rebuiltAt(trail: string): Promise<Rebuilt | undefined> {
    const known = this.#rebuilt.get(trail);
    if (known !== undefined) return known;
    const reading = readRebuilt(this.#options.table, trail);
    this.#rebuilt.set(trail, reading);
    reading.catch(() => this.#rebuilt.delete(trail));
    return reading;
  }

  /** How many of the events stand one after the other from a record on, before the end of what was archived. */
  async #same(trail: string, first: number, events: Repeatable['events'], end: number): Promise<number> {
    for (const [i, { json }] of events.entries()) {
      const line = first + i < end ? await this.#options.record(trail, first + i) : undefined;
      // A line begins with the event, which is complete JSON: what follows it is not part of it.
      if (line?.startsWith(`{"event":${json},"prev":"`) !== true) return i;
    }
    return events.length;
  }
}

function cutOff(trail: string, first: number, count: number): SealtrailError {
  const message =
    `trail ${trail} was rebuilt from its archive, which ended within these events: the first ${count} are records ` +
    `${first} to ${first + count - 1}. Send the others by themselves, under another key`;
  return new SealtrailError('idempotency_conflict', message);
}
