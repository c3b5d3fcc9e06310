import { hash } from 'node:crypto';
import { FORWARD_SET_ASIDE, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import type { Refusal } from '../../forward/destination.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/**
 * Records in `_system` that a destination will never take a record. Once for each, within two days.
 *
 * Of records that are themselves about this, none is made: a destination that takes none of them would have the log write for ever.
 *
 * @throws as the append
 */
export async function recordSetAside(
  ledger: Pick<Ledger, 'append'>,
  destination: string,
  trail: string,
  { seq, reason }: Refusal,
): Promise<void> {
  if (trail === SYSTEM_TRAIL) return;
  const event = {
    type: FORWARD_SET_ASIDE,
    severity: 'error',
    actor: { id: 'sealtrail:forwarder', type: 'system' },
    resource: { type: 'trail', id: trail },
    description: `the destination ${destination} will not take record ${seq} of trail ${trail}: ${reason}`,
    details: { trail, seq, destination, reason },
  };
  const key = hash('sha256', JSON.stringify([FORWARD_SET_ASIDE, destination, trail, seq]), 'hex');
  await recordInSystem(ledger, { by: 'sealtrail:forwarder', event, once: { key, bodyHash: key } });
}
