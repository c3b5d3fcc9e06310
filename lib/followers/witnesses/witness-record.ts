import { hash } from 'node:crypto';
import { HEADS_TRAIL, WITNESS_CONFLICT } from '../../contract/system-trails.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { recordInSystem } from '../runtime/system-record.ts';
import type { Conflict } from './witness-client.ts';

const WORDS: Readonly<Record<Conflict['kind'], string>> = {
  ahead: 'it cosigned more records of _heads than the log has: the log was rolled back, or runs twice',
  forked: 'what it cosigned of _heads is no beginning of what the log has: the log has two histories',
  forgot: 'it says that it cosigned less of _heads than the log has its cosignatures for: it lost its memory, or lies',
};

/** The meaning of a conflict, for people. */
export const conflictText = (witness: string, { kind, size }: Pick<Conflict, 'kind' | 'size'>): string =>
  `the witness ${witness} contradicts the log at size ${size}: ${WORDS[kind]}`;

/**
 * Records in `_system` that a witness contradicts the log, with both sides' signed checkpoints as far as they are known. Once
 * for each witness, kind and size.
 *
 * @param submitted the log's own checkpoint of `_heads`
 * @throws as the append
 */
export async function recordConflict(
  ledger: Pick<Ledger, 'append'>,
  witness: { readonly name: string; readonly vkey: string; readonly url: string },
  conflict: Conflict,
  submitted: string,
): Promise<void> {
  const { kind, size, evidence } = conflict;
  const event = {
    type: WITNESS_CONFLICT,
    severity: 'critical',
    actor: { id: 'sealtrail:witnesses', type: 'system' },
    resource: { type: 'trail', id: HEADS_TRAIL },
    description: conflictText(witness.name, conflict),
    details: {
      ...{ trail: HEADS_TRAIL, kind, size, witness: witness.name, vkey: witness.vkey, url: witness.url },
      submitted: submitted.split('\n'),
      ...(evidence !== undefined && { evidence: evidence.split('\n') }),
    },
  };
  const key = hash('sha256', JSON.stringify([WITNESS_CONFLICT, witness.vkey, kind, size]), 'hex');
  await recordInSystem(ledger, { by: 'sealtrail:witnesses', event, once: { key, bodyHash: key } });
}
