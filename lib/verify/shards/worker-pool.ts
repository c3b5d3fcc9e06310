import * as modules from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import type { ShardJob, ShardResult } from './shard-job.ts';
import { type PackedJob, packJob } from './worker-job.ts';

/** How to work in parallel. Each worker opens the archive for itself. */
export interface WorkerPlan {
  /** Worker threads, at least 1. */
  readonly count: number;
  /** URL of a module that exports `openObjects(args): Promise<Objects>`. */
  readonly module: string;
  /** Given to `openObjects`; anything that can be sent between threads. */
  readonly args: unknown;
}

/** The start-up data of a worker. */
export interface WorkerStart {
  readonly module: string;
  readonly args: unknown;
}

/** A message from a worker. */
export type WorkerAnswer =
  | { readonly kind: 'progress'; readonly records: number; readonly problems: number }
  | { readonly kind: 'done'; readonly result: ShardResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

type OnRecords = (records: number, problems: number) => void;

interface Task {
  readonly job: PackedJob;
  readonly onRecords: OnRecords;
  readonly resolve: (result: ShardResult) => void;
  readonly reject: (reason: unknown) => void;
}

/** Node runs the sources as they are, and the published package as JavaScript. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** A message to a worker: do a job, or stop and end. */
export type WorkerRequest = PackedJob | 'stop';

/**
 * How long a worker may take to stop, in milliseconds. It comes to that between two reads, so one that takes
 * longer waits for a store that does not answer.
 */
const STOPPING_MS = 5000;

/** Threads that verify spans, one at a time each, in the order in which they were asked for. */
export class WorkerPool {
  readonly #plan: WorkerPlan;
  readonly #waiting: Task[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Task>();
  #closing: Promise<unknown> | undefined;

  /** Threads are started as they are needed. */
  constructor(plan: WorkerPlan) {
    if (!Number.isSafeInteger(plan.count) || plan.count < 1) throw new RangeError('a pool has at least one worker');
    this.#plan = plan;
  }

  run(job: ShardJob, onRecords: OnRecords): Promise<ShardResult> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) {
        reject(new SealtrailError('unavailable', 'the verification was stopped'));
        return;
      }
      this.#waiting.push({ job: packJob(job), onRecords, resolve, reject });
      this.#dispatch();
    });
  }

  /** Stops all threads, and waits until they have ended; what has not come to its end is rejected. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#stop();
    await this.#closing;
  }

  #stop(): Promise<unknown> {
    const stopped = new SealtrailError('unavailable', 'the verification was stopped');
    for (const { reject } of [...this.#waiting.splice(0), ...this.#busy.values()]) reject(stopped);
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    this.#busy.clear();
    return Promise.all(workers.map(stop));
  }

  #dispatch(): void {
    const worker = this.#waiting.length === 0 ? undefined : (this.#idle.pop() ?? this.#start());
    const task = worker === undefined ? undefined : this.#waiting.shift();
    if (worker === undefined || task === undefined) return;
    this.#busy.set(worker, task);
    tell(worker, task.job);
  }

  #start(): Worker | undefined {
    if (this.#idle.length + this.#busy.size >= this.#plan.count) return undefined;
    const { module, args } = this.#plan;
    const start: WorkerStart = { module, args };
    const worker = new Worker(WORKER, { workerData: start, env: environment() });
    worker.on('message', (answer: WorkerAnswer) => this.#answered(worker, answer));
    worker.on('error', (error) => this.#died(worker, error));
    worker.on('exit', () => this.#died(worker, new Error('a worker thread ended before its work')));
    return worker;
  }

  #answered(worker: Worker, answer: WorkerAnswer): void {
    const task = this.#busy.get(worker);
    if (task === undefined) return;
    if (answer.kind === 'progress') {
      task.onRecords(answer.records, answer.problems);
      return;
    }
    this.#busy.delete(worker);
    this.#idle.push(worker);
    if (answer.kind === 'done') task.resolve(answer.result);
    else task.reject(new SealtrailError(answer.code ?? 'internal', answer.message));
    this.#dispatch();
  }

  #died(worker: Worker, error: unknown): void {
    const task = this.#busy.get(worker);
    this.#busy.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    task?.reject(error);
    if (this.#closing === undefined) this.#dispatch();
  }
}

/** A thread keeps what it compiles where its process does, but has to be asked for it by the environment (Node from 22.8 on). */
function environment(): NodeJS.ProcessEnv {
  // By its name in the whole: importing what an older Node lacks is an error before anything runs.
  const kept = modules.getCompileCacheDir?.();
  // Of the folder that was named, Node takes one for each of its versions.
  return kept === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(kept) };
}

const tell = (worker: Worker, request: WorkerRequest): void => worker.postMessage(request);

/**
 * Lets a thread end by itself. To be terminated from outside in the middle of its work, or while it is still loading, is
 * something that V8 has not always survived, and then the whole process goes.
 */
async function stop(worker: Worker): Promise<void> {
  const timer = setTimeout(() => void worker.terminate(), STOPPING_MS);
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  tell(worker, 'stop');
  await ended;
  clearTimeout(timer);
}
