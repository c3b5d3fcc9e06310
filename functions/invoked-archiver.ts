import type { Archiver } from '../lib/followers/archive/archiver.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';
import { type SealOrder, sealedOf } from './seal-orders.ts';

/**
 * The archiver of a function that may not write the archive: it has the function `follow` seal, and waits for it as long as an
 * answer of the API may take. A seal that takes longer goes on there; asked for again, it is found done.
 */
export class InvokedArchiver implements Pick<Archiver, 'seal'> {
  readonly #follower: Pick<LambdaFunction, 'ask'>;

  constructor(follower: Pick<LambdaFunction, 'ask'>) {
    this.#follower = follower;
  }

  /** @throws as {@link Archiver.seal}, and as {@link LambdaFunction.ask} */
  async seal(trail: string): ReturnType<Archiver['seal']> {
    const order: SealOrder = { seal: trail };
    return sealedOf(await this.#follower.ask(order));
  }
}
