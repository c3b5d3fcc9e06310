import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** What a signing key is derived for. */
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
  readonly #limit: number;
  readonly #keys = new Map<string, KeyObject>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(scope: Scope): KeyObject | undefined {
    const name = nameOf(scope);
    const key = this.#keys.get(name);
    if (key === undefined) return undefined;
    this.#keys.delete(name); // a Map iterates in the order of insertion: this makes it the youngest
    this.#keys.set(name, key);
    return key;
  }

  keep(scope: Scope, key: KeyObject): void {
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= this.#limit && oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.set(nameOf(scope), key);
  }

  get size(): number {
    return this.#keys.size;
  }
}

const nameOf = ({ accessKeyId, date, region, service }: Scope): string => `${accessKeyId}/${date}/${region}/${service}`;
