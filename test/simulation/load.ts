import { createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ledger } from '../../lib/ledger/ledger.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import type { Signer, Table } from '../../lib/store/ports.ts';

/** How long KMS takes for a signature. */
const SIGNATURE_MS = 8;

const { privateKey } = generateKeyPairSync('ed25519');
const signer: Signer = {
  algorithm: 'ed25519',
  publicKey: async () => createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  async sign(message) {
    await sleep(SIGNATURE_MS);
    return sign(null, message, privateKey);
  },
};

export const ledgerOver = (table: Table): Ledger =>
  new Ledger({ table, signers: [signer], logName: 'bench.example.com' });

/** As Lambda does it: a request goes to an instance that has none, and to a new one where all have. */
export class Instances {
  readonly #open: () => Ledger;
  readonly #idle: Ledger[] = [];
  #busy = 0;
  readonly #limit: number;
  most = 0;

  /** @param limit of the account: beyond it Lambda refuses to run another */
  constructor(open: () => Ledger, limit = Number.POSITIVE_INFINITY) {
    this.#open = open;
    this.#limit = limit;
  }

  async serve<T>(request: (ledger: Ledger) => Promise<T>): Promise<T> {
    if (this.#busy >= this.#limit) throw new SealtrailError('throttled', 'Lambda runs no more functions');
    const ledger = this.#idle.pop() ?? this.#open();
    this.#busy += 1;
    this.most = Math.max(this.most, this.#busy);
    try {
      return await request(ledger);
    } finally {
      this.#busy -= 1;
      this.#idle.push(ledger);
    }
  }
}

/** What came of requests. */
export class Tally {
  readonly latencies: number[] = [];
  readonly refusals: number[] = [];
  readonly errors = new Map<string, number>();

  /** Counts a request. @returns whether it was answered */
  async count(request: () => Promise<unknown>): Promise<boolean> {
    const began = performance.now();
    try {
      await request();
      this.latencies.push(performance.now() - began);
      return true;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
      this.refusals.push(performance.now() - began);
      return false;
    }
  }
}

/** Sends requests at a rate, however long the answers take. @returns answers until the last was sent */
export async function offer(perSecond: number, seconds: number, request: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - began) / 1000) {
    while (sent.length < elapsed * perSecond) sent.push(request());
    await sleep(2);
  }
  await Promise.all(sent);
}

/** An event of about 600 bytes. */
export function event(): { id: string; json: string } {
  const id = randomUUID();
  const details = { ip: '203.0.113.7', session: randomUUID(), note: 'x'.repeat(380) };
  return { id, json: JSON.stringify({ actor: { id: 'user-1' }, details, id, severity: 'info', type: 'data.update' }) };
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0);
}
