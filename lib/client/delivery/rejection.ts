import { createHash } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import type { Batch } from './spool.ts';

/** Answers after which the same batch can never succeed. Anything else may pass: a network, a right, a key. */
const REFUSED: ReadonlySet<string> = new Set([
  'invalid_json',
  'invalid_event',
  'record_too_large',
  'batch_too_large',
  'idempotency_conflict',
]);
/** Error codes of a wrong receipt, and so of the log that gave it. */
const FORGED: ReadonlySet<string> = new Set(['proof_mismatch', 'bad_signature', 'malformed_record']);

/** True if the log refuses a batch for good. */
export const isRefusal = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && REFUSED.has(error.code);
/** True if a receipt does not prove what it says. */
export const isForgery = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && FORGED.has(error.code);

/** The events of a batch's body. */
export function eventsOf({ body }: Batch): readonly Fields[] {
  const { events } = parseJson(body) as { events: readonly Fields[] }; // as it was made
  return events;
}

/** A batch of these events under a key that follows from the key before and the events: made again, it is the same batch. */
function follow(batch: Batch, events: readonly unknown[]): Batch {
  const body = JSON.stringify({ events });
  return { key: createHash('sha256').update(`${batch.key}\n${body}`).digest('hex'), count: events.length, body };
}

/** The batches to send instead of a refused one. */
export interface Instead {
  readonly batches: readonly Batch[];
  /** Position of the event that is not sent as it was, in the batch as it was. */
  readonly replaced?: number;
}

/**
 * The batches to send instead of a refused one: the same with the event at fault reduced to its core, or two halves where the
 * answer names none. Undefined where nothing is left to try.
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
  const core = event === undefined ? undefined : reduced(event, error.message.replace(/^events\[\d+\][.:]?\s*/, ''));
  if (core === undefined) return undefined;
  return {
    batches: [
      follow(
        batch,
        events.map((one, i) => (i === replaced ? core : one)),
      ),
    ],
    replaced,
  };
}

const CORE = ['id', 'producer', 'time', 'type', 'action', 'outcome', 'severity', 'decision', 'context'] as const;
/** The core of an event, which every log takes. */
const LAST = 'audit.invalid_event';

/**
 * A refused event under its own id and number, so that what was numbered after it still names it: first without its data,
 * then with who did what to what as text alone. Undefined once that is refused too.
 */
function reduced(event: Fields, reason: string): Fields | undefined {
  const { id, producer, type, action, actor, resource, details } = event;
  if (type === LAST) return undefined;
  const refused = reason.slice(0, MAX_REASON).toWellFormed();
  if (!isObject(details) || typeof details.refused !== 'string') {
    return {
      ...pick(event, CORE),
      ...(isObject(actor) ? { actor: pick(actor, ['id', 'type']) } : {}),
      ...(isObject(resource) ? { resource: pick(resource, ['id', 'type']) } : {}),
      details: { refused },
    };
  }
  const shown = { type, action, actor, resource };
  return {
    ...{ type: LAST, severity: 'error', description: refused },
    ...pick({ id, producer }, ['id', 'producer']),
    details: Object.fromEntries(
      Object.entries(shown).map(([name, value]) => [name, JSON.stringify(value)?.slice(0, MAX_REASON).toWellFormed()]),
    ),
  };
}

const MAX_REASON = 1000;

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]));
}

type Fields = Readonly<Record<string, unknown>>;
