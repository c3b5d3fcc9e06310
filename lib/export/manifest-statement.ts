import { setTimeout as sleep } from 'node:timers/promises';
import type { ExportManifest } from '../contract/exports.ts';
import { EXPORT_COMPLETED, LOG_SUBMITTER, SYSTEM_TRAIL } from '../contract/system-trails.ts';
import { recordInSystem } from '../followers/runtime/system-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { provenInclusion } from '../ledger/tree/proven.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash } from '../log/hash.ts';
import { parseNote } from '../log/note.ts';
import { formatProof } from '../log/proof.ts';
import type { NodeReader } from '../log/tree.ts';
import { manifestDigest } from './formats/manifest-digest.ts';

/** The parts that statements are made with. */
export interface StatementContext {
  readonly ledger: Pick<Ledger, 'append' | 'checkpoint'>;
  /** Tree nodes of a trail. */
  readonly nodes: (trail: string) => NodeReader;
}

/** A record in `_system` is signed within a second or so, by whichever process signs. */
const CHECKPOINT_TRIES = 100;
const CHECKPOINT_PAUSE_MS = 100;

/**
 * Has the log itself state a manifest: a record in `_system` names its digest, and comes with its proof, so that no one can change
 * what the manifest says of who asked, for what, and of which file. For the same export and manifest it is one record.
 *
 * @throws as {@link Ledger.append}; `unavailable` where no checkpoint covers the record in time
 */
export async function stateManifest(
  { ledger, nodes }: StatementContext,
  manifest: ExportManifest,
): Promise<NonNullable<ExportManifest['statement']>> {
  const { id, trail } = manifest;
  const digest = manifestDigest(manifest);
  const event = {
    type: EXPORT_COMPLETED,
    actor: { id: LOG_SUBMITTER, type: 'system' },
    resource: { type: 'trail', id: trail },
    details: { export: id, manifest: digest },
  };
  const { first, lines } = await recordInSystem(ledger, {
    by: LOG_SUBMITTER,
    event,
    once: { key: `manifest ${id} ${digest}`, bodyHash: digest },
  });
  const record = lines[0];
  if (record === undefined) throw new RangeError('a receipt without its record');
  const note = await noteCovering(ledger, first);
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const hashes = await provenInclusion(nodes(SYSTEM_TRAIL), leafHash(record), first, checkpoint);
  return { record, proof: formatProof({ index: first, hashes, checkpoint: note }) };
}

async function noteCovering(ledger: StatementContext['ledger'], seq: number): Promise<string> {
  for (let tries = 0; tries < CHECKPOINT_TRIES; tries++) {
    const checkpoint = await ledger.checkpoint(SYSTEM_TRAIL, seq + 1);
    if (checkpoint !== undefined) return checkpoint.note;
    await sleep(CHECKPOINT_PAUSE_MS);
  }
  throw new SealtrailError('unavailable', `no checkpoint covers record ${seq} of ${SYSTEM_TRAIL} yet: try again`);
}
