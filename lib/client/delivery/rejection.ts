import { createHash } from 'node:crypto';
import { MAX_TYPE_LENGTH } from '../../contract/catalogue.ts';
import { isEventId } from '../../contract/event.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import type { Batch } from './spool.ts';

/** Answers after which the same batch can never succeed. Anything else may pass: a network, a right, a key. */
const REFUSED: ReadonlySet<string> = new Set([
  'invalid_json',
  'invalid_event',
  'record_too_large',
  'batch_too_large',
  'idempotency_conflict',
]);
/** What is wrong with a receipt, and with the log that gave it. */
const FORGED: ReadonlySet<string> = new Set(['proof_mismatch', 'bad_signature', 'malformed_record']);

/** Whether the log refuses a batch for good. */
export const isRefusal = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && REFUSED.has(error.code);
/** Whether a receipt does not prove what it says. */
export const isForgery = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && FORGED.has(error.code);

/** The events of a batch's body. */
export function eventsOf({ body }: Batch): readonly Readonly<Record<string, unknown>>[] {
  const { events } = parseJson(body) as { events: readonly Readonly<Record<string, unknown>>[] }; // as it was made
  return events;
}

/** A batch of these events under a key that follows from the key before and the events: made again, it is the same batch. */
function follow(batch: Batch, events: readonly unknown[]): Batch {
  const body = JSON.stringify({ events });
  return { key: createHash('sha256').update(`${batch.key}\n${body}`).digest('hex'), count: events.length, body };
}

/** What to send instead of a batch that was refused. */
export interface Instead {
  readonly batches: readonly Batch[];
  /** Position of the event that is not sent as it was, in the batch as it was. */
  readonly replaced?: number;
}

/**
 * What to send instead of a refused batch: the same with the event at fault replaced by an `audit.invalid_event` that
 * says why, or two halves where the answer names none. Undefined where nothing is left to try.
 */
export function instead(batch: Batch, error: SealtrailError): Instead | undefined {
  const events = eventsOf(batch);
  const named = /^events\[(\d+)\]/.exec(error.field ?? error.message)?.[1];
  if (named === undefined && events.length > 1) {
    const half = events.length >> 1;
    return { batches: [follow(batch, events.slice(0, half)), follow(batch, events.slice(half))] };
  }
  const replaced = Number(named ?? 0);
  const event = events[replaced];
  if (event === undefined || event.type === 'audit.invalid_event') return undefined;
  const { producer } = event;
  // Under the same id and number, so that what was numbered after it still names it.
  const note = {
    ...invalidEvent(event, error.message.replace(/^events\[\d+\][.:]?\s*/, '')),
    ...(producer === undefined ? {} : { producer }),
  };
  return {
    batches: [
      follow(
        batch,
        events.map((one, i) => (i === replaced ? note : one)),
      ),
    ],
    replaced,
  };
}

/** What is logged in place of an event that cannot be: the reason, and nothing of the event but its type. */
export function invalidEvent(event: unknown, reason: string): Record<string, unknown> {
  const fields: Readonly<Record<string, unknown>> = typeof event === 'object' && event !== null ? { ...event } : {};
  const type = typeof fields.type === 'string' ? fields.type.slice(0, MAX_TYPE_LENGTH).toWellFormed() : undefined;
  const id = isEventId(fields.id) ? fields.id : undefined;
  return {
    type: 'audit.invalid_event',
    severity: 'error',
    ...(id === undefined ? {} : { id }),
    description: reason.slice(0, 1000).toWellFormed(),
    ...(type === undefined ? {} : { details: { type } }),
  };
}
