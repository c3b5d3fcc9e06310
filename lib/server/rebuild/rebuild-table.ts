import { wireLog } from '../../app/log.ts';
import { LOG_SUBMITTER } from '../../contract/system-trails.ts';
import { recordInSystem } from '../../followers/runtime/system-record.ts';
import { retiredKeys } from '../../keys/retired-keys.ts';
import { trailsIn } from '../../ledger/history.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote, type Verifier } from '../../log/note.ts';
import { type RebuiltTrail, rebuildTrail } from '../../rebuild/rebuild-trail.ts';
import { type RecalledHold, recallHolds } from '../../rebuild/recall-holds.ts';
import { readStanding, type Standing } from '../../rebuild/standing.ts';
import type { Objects, Table } from '../../store/ports.ts';

/** A table, and the archive beside it. */
export interface TableStores {
  readonly table: Table;
  readonly objects: Objects;
}

/** A table that was completed from its archive. */
export interface RebuiltTable {
  /** Trails that were behind, or are new in this table, and go on from their archive. */
  readonly trails: readonly RebuiltTrail[];
  /** Legal holds that the table had forgotten, and has again. */
  readonly holds: readonly RecalledHold[];
}

/**
 * How each trail of a table stands to an archive: those that either of them has, by name. Changes nothing.
 *
 * @throws `archive_damaged`; the stores' errors
 */
export async function standingsOf({ table, objects }: TableStores): Promise<readonly Standing[]> {
  const { ledger } = wireLog({ table, objects, signers: [] }, { logName: 'any', signs: false });
  const names = new Set([...(await Array.fromAsync(ledger.trails())), ...(await Array.fromAsync(trailsIn(objects)))]);
  const standings: Standing[] = [];
  for (const trail of [...names].sort()) standings.push(await readStanding({ table, objects, ledger }, trail));
  return standings;
}

/**
 * Completes a table of a log that cannot sign here, as on AWS. Nothing else may write to it meanwhile. What the log's keys signed beyond
 * the archive is not known: so they end there, which is written down, and are to be retired before the log signs again.
 *
 * @param stores `verifiers`: of the keys that signed a checkpoint, by its origin and size; `keys`: all of them, as SPKI in DER
 * @returns undefined where the table holds all that is archived, and nothing was done
 * @throws `history_conflict` where a trail differs from its archive; `archive_damaged` naming the object; the stores' errors
 */
export async function rebuildTable(
  stores: TableStores & {
    readonly verifiers: (origin: string, size: number) => readonly Verifier[];
    readonly keys: readonly Uint8Array[];
  },
): Promise<RebuiltTable | undefined> {
  const { table, objects } = stores;
  const standings = await standingsOf(stores);
  const differing = standings.find(({ state }) => state === 'differs');
  if (differing !== undefined) {
    const message = `trail ${differing.trail} is not the one that was archived: both were written to, and neither can be completed from the other`;
    throw new SealtrailError('history_conflict', message);
  }
  const behind = standings.filter(({ state }) => state === 'behind');
  const [logName] = behind.map(logNameOf);
  if (logName === undefined) return undefined;
  const verifiers = (trail: string, size: number) => stores.verifiers(`${logName}/${trail}`, size);
  const trails: RebuiltTrail[] = [];
  for (const standing of behind) trails.push(await rebuildTrail({ table, objects, verifiers }, standing));
  const { ledger } = wireLog({ table, objects, signers: [] }, { logName, signs: false });
  const holds = await recallHolds(
    { table, objects, ledger },
    standings.map(({ trail }) => trail),
  );
  // Before anything is appended: where a key ended is where all trails have come to.
  await retiredKeys(
    table,
    ledger,
    stores.keys.map((spki) => ({ publicKey: async () => Uint8Array.from(spki) })),
  );
  // The functions sign it, with the key that they have then.
  await recordRebuilt(ledger, trails, { wait: false });
  await ledger.close();
  return { trails, holds };
}

/** Records in `_system` which trails go on from their archive. @param options.wait whether for a signature */
export async function recordRebuilt(
  ledger: Pick<Ledger, 'append'>,
  trails: readonly RebuiltTrail[],
  { wait = true } = {},
): Promise<void> {
  for (const { trail, before, size, receivedAt } of trails) {
    const event = {
      type: 'system.trail_rebuilt',
      actor: { id: LOG_SUBMITTER, type: 'system' },
      resource: { type: 'trail', id: trail },
      description: `the trail goes on from its archive with record ${size}; what was acknowledged after record ${size - 1} is lost`,
      details: { before, size, newest: new Date(receivedAt).toISOString() },
    };
    await recordInSystem(ledger, { by: LOG_SUBMITTER, event, wait });
  }
}

/** As the newest archived checkpoint has it; which keys may have signed that is for the caller to say. */
function logNameOf({ trail, checkpoint }: Standing): string {
  if (checkpoint === undefined) {
    throw new SealtrailError('archive_damaged', `the archive of trail ${trail} has no checkpoint`);
  }
  const { origin } = parseCheckpoint(parseNote(checkpoint.note).text);
  if (!origin.endsWith(`/${trail}`)) {
    throw new SealtrailError('archive_damaged', `the newest checkpoint of trail ${trail} is that of ${origin}`);
  }
  return origin.slice(0, -trail.length - 1);
}
