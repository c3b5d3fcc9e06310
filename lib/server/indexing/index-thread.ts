import { Worker } from 'node:worker_threads';
import type { IndexedLog } from '../../app/indexing.ts';
import type { Follower, RunOptions } from '../../followers/runtime/follower.ts';
import { readHead } from '../../ledger/commit.ts';
import { SealtrailError } from '../../log/error.ts';
import { Peer } from './calls.ts';
import type { IndexCalls, Indexing, IndexStart } from './index-calls.ts';
import { tableCalls } from './remote-table.ts';

/** How the thread works. */
export interface IndexThreadOptions extends IndexStart {
  /** Called when the thread dies. Must not throw. */
  readonly onError: (error: unknown) => void;
  /** Records that trails grow by before the thread is started: a log that is seldom written needs none. @default 10,000 */
  readonly fromRecords?: number;
}

/** Node runs the sources as they are, and the published package as JavaScript. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './index-worker.ts' : './index-worker.js', import.meta.url);
/** Milliseconds that the thread has to end by itself. */
const STOPPING_MS = 2_000;
/** Milliseconds after which a visit on the committing thread is asked to leave the rest to the next one. */
const VISIT_MS = 250;

/** The table, and appends to it, of the thread that commits. */
type Committing = Pick<IndexedLog, 'table' | 'ledger'>;

interface Running {
  readonly worker: Worker;
  readonly peer: Peer<IndexCalls>;
  readonly ended: Promise<void>;
}

/**
 * Runs the followers of the query index on a thread of their own, so that the one that commits has that time for commits. The thread
 * reads and writes the table through the committing thread, and has the index's files itself.
 *
 * A thread that dies takes its visits along, as a crash would: they fail, are repeated later, and another thread is started for them.
 */
export class IndexThread {
  readonly #options: IndexThreadOptions;
  readonly #fromRecords: number;
  /** The size of each trail when it was last visited, until the thread is needed. */
  readonly #sizes = new Map<string, number>();
  #grown = 0;
  #running: Running | undefined;
  #isClosed = false;
  #visits = 0;

  constructor(options: IndexThreadOptions) {
    this.#options = options;
    this.#fromRecords = options.fromRecords ?? 10_000;
  }

  /** The follower, which has its work done by the thread once that is worth it. */
  place(follower: Follower, log: Committing): Follower {
    if (!isIndexing(follower.name)) return follower;
    const name = follower.name;
    const revisits = new Map<string, number>();
    return {
      name,
      run: async (trail, options = {}) => {
        revisits.delete(trail);
        if (!(await this.#isWorthIt(trail, log))) {
          const here = await runShortly(follower, trail, options);
          if (here !== undefined) revisits.set(trail, here);
          return;
        }
        const revisit = await this.#visit(name, trail, options, log);
        if (revisit !== undefined) revisits.set(trail, revisit);
      },
      revisit: (trail) => revisits.get(trail),
    };
  }

  /** Lets the thread end, and waits until it has. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running === undefined) return;
    const { worker, peer, ended } = this.#running;
    const impatience = setTimeout(() => void worker.terminate(), STOPPING_MS);
    peer.call('end', undefined as never).catch(() => undefined); // it ends instead of answering
    await ended;
    clearTimeout(impatience);
  }

  async #isWorthIt(trail: string, { table }: Committing): Promise<boolean> {
    if (this.#grown >= this.#fromRecords) return true;
    const { size } = await readHead(table, trail);
    this.#grown += size - (this.#sizes.get(trail) ?? size);
    this.#sizes.set(trail, size);
    if (this.#grown < this.#fromRecords) return false;
    this.#sizes.clear();
    return true;
  }

  async #visit(
    follower: Indexing,
    trail: string,
    { signal, force = false }: RunOptions,
    log: Committing,
  ): Promise<number | undefined> {
    if (this.#isClosed || signal?.aborted) return undefined;
    this.#running ??= this.#start(log);
    const { peer } = this.#running;
    const id = this.#visits++;
    const stop = () => void peer.call('stop', id).catch(() => undefined); // of a thread that is gone the visit tells
    signal?.addEventListener('abort', stop);
    try {
      return await peer.call('run', { id, follower, trail, force });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #start({ table, ledger }: Committing): Running {
    const { dir, pace } = this.#options;
    const worker = new Worker(WORKER, { workerData: { dir, pace } satisfies IndexStart });
    const peer = new Peer<IndexCalls>(worker, { ...tableCalls(table), append: (request) => ledger.append(request) });
    const ended = new Promise<void>((resolve) => {
      const died = (error: unknown): void => {
        if (this.#running?.worker === worker) this.#running = undefined;
        const message = 'the thread that indexes ended: its work is begun again';
        peer.lose(new SealtrailError('unavailable', message, { cause: error }));
        if (!this.#isClosed) this.#options.onError(error);
      };
      worker.on('error', died);
      worker.on('exit', (code) => {
        if (this.#running?.worker === worker) died(new Error(`the thread that indexes ended by itself, with ${code}`));
        resolve();
      });
    });
    return { worker, peer, ended };
  }
}

/**
 * Runs a follower on this thread, but not for long: while a trail grows, an indexer that catches up would never come to an end, nor
 * to another thread.
 *
 * @returns when it wants to see the trail again
 */
async function runShortly(follower: Follower, trail: string, options: RunOptions): Promise<number | undefined> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), VISIT_MS);
  try {
    const signals = options.signal === undefined ? [timeout.signal] : [options.signal, timeout.signal];
    await follower.run(trail, { ...options, signal: AbortSignal.any(signals) });
  } finally {
    clearTimeout(timer);
  }
  return timeout.signal.aborted ? 0 : follower.revisit?.(trail);
}

const isIndexing = (name: string): name is Indexing => name === 'indexer' || name === 'indexCheck';
