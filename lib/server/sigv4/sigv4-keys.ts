import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { Lru } from '../../base/lru.ts';

/** The scope that a signing key is derived for. */
export interface Scope {
  readonly accessKeyId: string;
  /** `YYYYMMDD`, UTC. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** The signing key of a scope (AWS, "Create a signed AWS API request", step 3: four chained HMACs). */
export function deriveSigningKey(secret: string, { date, region, service }: Scope): KeyObject {
  const step = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return createSecretKey(step(step(step(step(`AWS4${secret}`, date), region), service), 'aws4_request'));
}

/**
 * Signing keys that have verified a request, the least recently used leaving first.
 *
 * Only those are kept: a stranger who makes up access keys, days and regions can neither fill the cache nor learn from
 * the time of an answer what is in it.
 */
export class SigningKeys {
  readonly #keys: Lru<KeyObject>;

  constructor(limit: number) {
    this.#keys = new Lru(limit);
  }

  get(scope: Scope): KeyObject | undefined {
    return this.#keys.get(nameOf(scope));
  }

  keep(scope: Scope, key: KeyObject): void {
    this.#keys.set(nameOf(scope), key);
  }

  get size(): number {
    return this.#keys.size;
  }
}

const nameOf = ({ accessKeyId, date, region, service }: Scope): string => `${accessKeyId}/${date}/${region}/${service}`;
