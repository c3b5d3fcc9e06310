import { SealtrailError } from '../log/error.ts';
import { MAX_RECORD_BYTES } from '../log/record.ts';
import { isSystemTrailName, isTrailName } from '../log/trail-name.ts';
import type { Idempotency } from './items/idempotency.ts';
import type { Submission } from './items/submission.ts';

/** Events to append to a trail. */
export interface AppendRequest {
  readonly trail: string;
  /** The authenticated principal. */
  readonly submitter: string;
  /** At least one; in this order they are sealed, without others in between. */
  readonly events: readonly { readonly id: string; readonly json: string }[];
  /** Makes the append repeatable: the same key and body hash give the same receipt for at least 24 hours. */
  readonly idempotency?: Idempotency;
  /** True to wait for the checkpoint. @default true */
  readonly wait?: boolean;
  /** `later`: not signed here, but by the sealer, and not waited for. @default signed at once */
  readonly seal?: 'later';
}

/** Bytes that a record line may need around its event and its names: keys, numbers, `prev` and punctuation. */
const ENVELOPE_BYTES = 256;

/** @throws `invalid_trail`, `empty_batch`, `record_too_large` */
export function checkRequest({ trail, submitter, events }: AppendRequest): void {
  if (!isTrailName(trail) && !isSystemTrailName(trail)) {
    const message = 'a trail is named by 1 to 63 of a-z, 0-9 and -, the first not -';
    throw new SealtrailError('invalid_trail', message, { field: 'trail' });
  }
  if (events.length === 0) throw new SealtrailError('empty_batch', 'there is no event to append', { field: 'events' });
  const room = MAX_RECORD_BYTES - ENVELOPE_BYTES - trail.length - Buffer.byteLength(JSON.stringify(submitter));
  for (const [index, { json }] of events.entries()) {
    if (json.length > room || Buffer.byteLength(json) > room) {
      const message = `an event takes at most ${room} bytes once it is canonical`;
      throw new SealtrailError('record_too_large', message, { field: `events[${index}]` });
    }
  }
}

export function submissionOf({ submitter, events, idempotency }: AppendRequest): Submission {
  return idempotency === undefined ? { submitter, events } : { submitter, events, idempotency };
}
