import type { QueryOrder } from '../../contract/query.ts';
import { parseJson } from '../../log/json.ts';
import { assertOptions } from '../event/options.ts';
import type { Entry, KeptEvent, Sink } from '../event/sink.ts';

/** How much a memory sink keeps. */
export interface MemorySinkOptions {
  /** Events kept; the oldest go first, and are counted in `evicted`. @default 10,000 */
  readonly limit?: number;
}

/**
 * Keeps the newest events in memory: for tests, and for a view of what just happened.
 *
 * @example
 * const memory = new MemorySink({ limit: 100 });
 * const audit = createAuditLogger({ sinks: [memory] });
 * audit.log({ type: 'invoice.paid' });
 * memory.events; // [{ type: 'invoice.paid', id: …, time: … }]
 */
export class MemorySink implements Sink {
  readonly name = 'memory';
  readonly #limit: number;
  #lines: { readonly json: string; readonly loggedAt: number }[] = [];
  #evicted = 0;

  /** @throws `usage` where the limit cannot be */
  constructor(options: MemorySinkOptions = {}) {
    assertOptions(options, { limit: { from: 1 } });
    this.#limit = options.limit ?? 10_000;
  }

  /** The events that are kept, oldest first. */
  get events(): readonly Readonly<Record<string, unknown>>[] {
    return this.#lines.slice(-this.#limit).map(({ json }) => parseJson(json) as Readonly<Record<string, unknown>>);
  }

  /** How many were let go since the start. */
  get evicted(): number {
    return this.#evicted + Math.max(0, this.#lines.length - this.#limit);
  }

  *kept(order: QueryOrder): Generator<KeptEvent, void, void> {
    // As of now: what is logged meanwhile moves nothing.
    const { evicted: first } = this;
    const lines = this.#lines.slice(-this.#limit).map((line, n) => ({ ...line, seq: first + n }));
    yield* order === 'newest' ? lines.reverse() : lines;
  }

  write(entry: Entry): undefined {
    this.#lines.push({ json: entry.json, loggedAt: Date.now() });
    // Not one by one: shifting an array costs its length.
    if (this.#lines.length >= 2 * this.#limit) {
      this.#evicted += this.#lines.length - this.#limit;
      this.#lines = this.#lines.slice(-this.#limit);
    }
    entry.landed();
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
