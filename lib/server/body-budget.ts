import { SealtrailError } from '../log/error.ts';

/** Whose memory a body counts as: all together, and then each of its sender's. Each takes at most a share of the whole. */
export interface Account {
  readonly name: string;
  /** 0 exclusive to 1. */
  readonly share: number;
}

/** Every body. */
const ALL: Account = { name: 'all', share: 1 };

/**
 * The accounts of a sender whose signature is proven before the body comes, so that strangers cannot use up what is its, and it
 * leaves something to others.
 */
export const provenAccounts = (accessKeyId: string): readonly Account[] => [
  ALL,
  { name: `key ${accessKeyId}`, share: 1 / 2 },
];

/** The accounts of a sender that only the body will prove: at most a half for all of them, a quarter for each address. */
export const unprovenAccounts = (address: string): readonly Account[] => [
  ALL,
  { name: 'unproven', share: 1 / 2 },
  { name: `peer ${address}`, share: 1 / 4 },
];

/** Bytes of bodies that may be in memory at once, over all requests. */
export class BodyBudget {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(bytes: number) {
    this.#most = bytes;
  }

  /** @throws `rate_limited` when one of the accounts has too much in memory already; then nothing is taken */
  take(bytes: number, accounts: readonly Account[]): void {
    for (const { name, share } of accounts) {
      if (this.#takenBy(name) + bytes > this.#most * share) {
        throw new SealtrailError('rate_limited', 'too many requests at once: try again', { retryAfter: 1 });
      }
    }
    for (const { name } of accounts) this.#taken.set(name, this.#takenBy(name) + bytes);
  }

  give(bytes: number, accounts: readonly Account[]): void {
    for (const { name } of accounts) {
      const left = this.#takenBy(name) - bytes;
      if (left === 0) this.#taken.delete(name);
      else this.#taken.set(name, left);
    }
  }

  #takenBy(name: string): number {
    return this.#taken.get(name) ?? 0;
  }
}

/** The share of the budget that one request has taken. */
export class BodyShare {
  readonly #budget: BodyBudget;
  readonly #accounts: readonly Account[];
  /** Bytes that were taken and not given back. */
  bytes = 0;

  constructor(budget: BodyBudget, accounts: readonly Account[]) {
    this.#budget = budget;
    this.#accounts = accounts;
  }

  /** @throws `rate_limited` */
  take(bytes: number): void {
    this.#budget.take(bytes, this.#accounts);
    this.bytes += bytes;
  }

  /** Gives everything back. Idempotent. */
  give(): void {
    this.#budget.give(this.bytes, this.#accounts);
    this.bytes = 0;
  }
}
