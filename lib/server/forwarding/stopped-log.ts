import { join } from 'node:path';
import { type ForwardState, readForwardState, storeForwardState } from '../../followers/forwarding/forward-state.ts';
import { type DestinationSettings, isForwarded } from '../../forward/settings.ts';
import { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { SqliteTable } from '../../store/sqlite/table.ts';
import { openDataFolder } from '../data-folder.ts';

/** How far a destination has come in a trail, as a stopped log has it. */
export interface ForwardedTrail extends Pick<ForwardState, 'sent' | 'aside'> {
  readonly destination: string;
  readonly trail: string;
  /** Records of the trail. */
  readonly size: number;
  /** Those that are done: taken, set aside, or not let pass by the filter. */
  readonly forwarded: number;
}

/** Where a destination is to begin anew. */
export interface Restart {
  readonly destination: string;
  readonly trail: string;
  /** The next record number to forward. */
  readonly from: number;
}

/**
 * Tells how far each destination of a stopped log has come, after setting one of them to another record if that is asked for.
 *
 * @param forwardFile the file of `serve --forward`. @default the setting of `config.json`
 * @throws `in_use` while the log runs; `usage` for a destination or trail that is not there; as `openDataFolder`
 */
export async function forwardingOf(
  dir: string,
  { forwardFile, restart }: { readonly forwardFile?: string | undefined; readonly restart?: Restart | undefined },
): Promise<readonly ForwardedTrail[]> {
  const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
  try {
    const settings = forwardFile === undefined ? {} : { forwardFile };
    const { config } = await openDataFolder(dir, { hasRecords: true, settings });
    const { destinations = [] } = config.forward ?? {};
    const ledger = new Ledger({ table, signers: [], signs: false, logName: config.logName });
    if (restart !== undefined) await begin(table, ledger, destinations, restart);
    const found: ForwardedTrail[] = [];
    for await (const trail of ledger.trails()) {
      const size = (await ledger.head(trail))?.size ?? 0;
      for (const settings of destinations.filter((one) => isForwarded(one, trail))) {
        const { state } = await readForwardState(table, trail, settings.name);
        const { size: forwarded = 0, sent = 0, aside = 0 } = state ?? {};
        found.push({ destination: settings.name, trail, size, forwarded, sent, aside });
      }
    }
    return found;
  } finally {
    await table.close();
  }
}

async function begin(
  table: SqliteTable,
  ledger: Ledger,
  destinations: readonly DestinationSettings[],
  { destination, trail, from }: Restart,
): Promise<void> {
  const settings = destinations.find(({ name }) => name === destination);
  if (settings === undefined) throw new SealtrailError('usage', `there is no destination ${destination}`);
  if (!isForwarded(settings, trail))
    throw new SealtrailError('usage', `${destination} does not get the trail ${trail}`);
  const size = (await ledger.head(trail))?.size ?? 0;
  if (from > size) throw new SealtrailError('usage', `the trail ${trail} has ${size} records`);
  const { mark, state } = await readForwardState(table, trail, destination);
  const { sent = 0, aside = 0 } = state ?? {};
  await storeForwardState(table, { mark, size: from, from: String(settings.from ?? 0), sentTo: from, sent, aside });
}
