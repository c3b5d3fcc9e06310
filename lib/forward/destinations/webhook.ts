import { createHmac } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import { batchJson } from '../batch-json.ts';
import type { Batch, Delivery, Destination } from '../destination.ts';
import { deliveryOf, post } from '../http.ts';

/** Settings of a webhook. */
export interface WebhookOptions {
  readonly url: string;
  /** Reads the signing secret: `whsec_` and the base64 of 24 to 64 bytes. */
  readonly secret: () => Promise<string>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/**
 * Any receiver of webhooks: a batch is the JSON body of one POST, signed by Standard Webhooks 1.0. A status of 2xx takes it, 400,
 * 413 and 422 refuse it, any other asks for it again.
 */
export class Webhook implements Destination {
  readonly limits = { records: 1000, bytes: 1_000_000 };
  readonly format = 'record';
  readonly proves = true;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const { url, secret, now = Date.now } = this.#options;
    const body = batchJson(batch);
    const timestamp = Math.floor(now() / 1000);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': batch.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(signingKey(await secret()), batch.id, timestamp, body),
    };
    return deliveryOf(await post(url, { headers, body }, signal));
  }
}

const PREFIX = 'whsec_';

/** @throws `invalid_parameter`, without the secret */
function signingKey(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '', 'base64');
  // Standard Webhooks, "Symmetric": 24 to 64 bytes.
  if (key.length >= 24 && key.length <= 64) return key;
  const rule = 'the secret of a webhook must be whsec_ and the base64 of 24 to 64 bytes';
  throw new SealtrailError('invalid_parameter', `${rule}: make one with "echo whsec_$(openssl rand -base64 32)"`);
}

/** Standard Webhooks, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`. */
function sign(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
