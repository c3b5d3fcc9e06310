/** Stands for lib/verify/shards/worker-pool.ts in a browser: the page checks in its own thread, so a pool is never made. */
export class WorkerPool {
  constructor() {
    throw new Error('there are no worker threads in a browser');
  }
}
