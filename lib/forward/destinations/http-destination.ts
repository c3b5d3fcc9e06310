import type { Batch, BatchLimits, Delivery, Destination } from '../destination.ts';
import { deliveryOf, type HttpAnswer, post } from '../http.ts';
import type { ForwardFormat } from '../settings.ts';

/** One request that carries a batch. */
export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** The differences between destinations over HTTP. */
export interface HttpKind {
  readonly limits: BatchLimits;
  readonly format: ForwardFormat;
  readonly request: (batch: Batch) => HttpRequest | Promise<HttpRequest>;
  /** Reads an answer. @default by its status */
  readonly read?: (answer: HttpAnswer, batch: Batch) => Delivery;
  /** The step after a batch was accepted, such as waiting for an acknowledgement. */
  readonly confirm?: (answer: HttpAnswer, signal: AbortSignal) => Promise<Delivery>;
}

/** A destination that takes each batch in one request over HTTP. */
export class HttpDestination implements Destination {
  readonly limits: BatchLimits;
  readonly format: ForwardFormat;
  readonly proves = true;
  readonly #kind: HttpKind;

  constructor(kind: HttpKind) {
    this.#kind = kind;
    this.limits = kind.limits;
    this.format = kind.format;
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const { request, read = deliveryOf, confirm } = this.#kind;
    const { url, ...rest } = await request(batch);
    const answer = await post(url, rest, signal);
    const delivery = read(answer, batch);
    return delivery.is === 'taken' && confirm !== undefined ? confirm(answer, signal) : delivery;
  }
}

/** A path below a URL that may end with a slash. */
export const below = (url: string, path: string): string => `${url.replace(/\/+$/, '')}/${path}`;
