import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBRecord } from 'aws-lambda';
import { answer } from '../functions/gateway.ts';
import { logger, metrics } from '../functions/telemetry.ts';
import { TrailFollowing } from '../functions/trail-following.ts';
import { TrailVerification } from '../functions/trail-verification.ts';
import { Router } from '../lib/api/core/router.ts';
import { APPEND_ROUTES } from '../lib/api/groups.ts';
import { wireLog } from '../lib/app/log.ts';
import { headKey } from '../lib/ledger/items/layout.ts';
import type { Policy } from '../lib/log/policy.ts';
import { gatewayEvent } from '../test/functions/events.ts';
import { MeteredStores } from './metered.ts';

/** A deployment's functions over metered stores: what wakes them, how often and for how long they run. */
export class Deployment {
  readonly stores = new MeteredStores();
  readonly following: TrailFollowing;
  readonly verification: TrailVerification;
  /** Milliseconds that functions ran, and how often, since the last time. */
  ran = { milliseconds: 0, invocations: 0, requests: 0 };
  readonly #log;
  readonly #router = new Router(APPEND_ROUTES);
  readonly #committed = new Set<string>();
  #serial = 0;

  /** @param policy of witnesses to ask. @default none are */
  constructor(policy?: Policy) {
    metrics.addMetric = () => metrics;
    logger.setLogLevel('SILENT');
    const settings = { logName: 'audit.example.com', retention: { default: { archiveDays: 1, hotDays: 90 } } };
    this.#log = wireLog(this.stores, settings, { onCommit: (trail) => void this.#committed.add(trail) });
    this.following = new TrailFollowing(this.#log, {}, { policy });
    this.verification = new TrailVerification(this.#log);
  }

  /** Appends events through the API's function. */
  async append(trail: string, events: number): Promise<void> {
    const body = JSON.stringify({ events: Array.from({ length: events }, () => eventOf(this.#serial++)) });
    const call = {
      route: 'POST /v1/trails/{trail}/events',
      parameters: { trail },
      headers: { 'content-type': 'application/json', 'idempotency-key': `k-${this.#serial}` },
      body,
    };
    const services = async () => this.#log;
    this.ran.requests += 1;
    const { statusCode } = await this.invoke(() =>
      answer(gatewayEvent(call), { router: this.#router, services, actions: ['append'] }),
    );
    if (statusCode !== 201) throw new Error(`an append was answered ${statusCode}`);
  }

  /** What the stream brings after a second: a batch with every head that moved. */
  async stream(): Promise<void> {
    if (this.#committed.size === 0) return;
    const records = [...this.#committed].map(
      (trail, n): DynamoDBRecord => ({
        eventID: `e-${n}`,
        eventName: 'MODIFY',
        dynamodb: {
          Keys: { partition: { S: headKey(trail).partition }, sort: { S: 'head' } },
          OldImage: { _size: { N: '1' } },
          NewImage: { _size: { N: '2' } },
          SequenceNumber: String(n),
        },
      }),
    );
    this.#committed.clear();
    await this.invoke(() => this.following.batch(records, NEVER));
  }

  sweep(): Promise<void> {
    return this.invoke(() => this.following.sweep(NEVER));
  }

  verify(): Promise<void> {
    return this.invoke(() => this.verification.run(NEVER));
  }

  /** How many of the trails have all their records under lock. */
  async archived(trails: readonly string[]): Promise<number> {
    let count = 0;
    for (const trail of trails) {
      const size = (await this.#log.ledger.head(trail))?.size ?? 0;
      const exists = await this.stores.objects.get(`${trail}/checkpoints/${size}`);
      if (exists !== undefined) count += 1;
    }
    return count;
  }

  async invoke<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      this.ran.invocations += 1;
      this.ran.milliseconds += performance.now() - began + OVERHEAD_MS;
    }
  }
}

/** Computing, which takes no virtual time: assumed for each invocation. */
const OVERHEAD_MS = 20;
export const NEVER = new AbortController().signal;

/** Sleeps until a time, in milliseconds of `performance.now`. */
export async function until(time: number): Promise<void> {
  if (time > performance.now()) await sleep(time - performance.now());
}

/** About 600 bytes. */
export const eventOf = (n: number): object => ({
  type: ['auth.login', 'data.read', 'data.update', 'config.changed'][n % 4],
  actor: { id: `user-${(n * 7919) % 100}@example.com`, type: 'user', ip: '10.1.2.3' },
  resource: { id: `document-${(n * 31) % 2000}`, type: 'document' },
  outcome: 'success',
  description: 'the document was opened from the list of documents by its owner',
  context: { request: `req-${n.toString(16).padStart(12, '0')}`, session: `s-${n % 400}`, tenant: `tenant-${n % 40}` },
  details: { path: `/api/v1/documents/${n}`, bytes: (n * 13) % 9999, reason: 'because the user asked for it' },
});
