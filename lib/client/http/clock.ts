/** From how many milliseconds on a clock is taken to be wrong: a signature is good for five minutes either way. */
const SKEW_MS = 240_000;

/**
 * The time to sign with: the machine's, corrected by what the server says it is when it refuses a signature, as the AWS
 * SDKs do. A machine with a wrong clock can log all the same.
 */
export class SigningClock {
  readonly #now: () => number;
  #offset = 0;

  /** @param now Unix milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  now(): Date {
    return new Date(this.#now() + this.#offset);
  }

  /** Looks at the answer to a signed request. @returns whether it was refused for the time, which is right from now on */
  correct({ status, headers }: Pick<Response, 'status' | 'headers'>): boolean {
    if (status !== 401 && status !== 403) return false;
    const serverTime = Date.parse(headers.get('date') ?? '');
    if (Number.isNaN(serverTime) || Math.abs(serverTime - this.now().getTime()) < SKEW_MS) return false;
    this.#offset = serverTime - this.#now();
    return true;
  }
}
