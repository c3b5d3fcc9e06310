import { filterOf, MASKED_FILTERS } from '../contract/query.ts';
import { Forwarder } from '../followers/forwarding/forwarder.ts';
import { type DestinationSettings, type ForwardSettings, filterQuery } from '../forward/settings.ts';
import { maskValue } from '../privacy/mask.ts';
import { selectRecords } from '../question/selection.ts';
import type { RecordTest } from '../question/tests.ts';
import type { ArchivedLog } from './log.ts';

/** How the forwarders of a log are made. */
interface ForwardingOptions {
  /** True if no other process forwards. @default false */
  readonly isAlone?: boolean;
}

/**
 * The followers that forward records, one for each destination of the settings: another destination is another follower, which
 * has its own watermarks and pace, and holds up no other.
 */
export function openForwarders(
  log: ArchivedLog,
  { destinations }: ForwardSettings,
  { isAlone = false }: ForwardingOptions = {},
): readonly Forwarder[] {
  return destinations.map((settings) => {
    const { table, ledger, nodes, logName } = log;
    return new Forwarder({
      ...{ table, ledger, nodes, logName, settings, isAlone },
      // Loaded with the first batch: a process that starts cold reads less.
      destination: async () => {
        const { openDestination } = await import('../forward/destinations/open.ts');
        return openDestination(settings);
      },
      passes: (trail) => testOf(log, settings, trail),
    });
  });
}

/** A filter's test, with the masked forms that the trail's policy leaves in records, as in a query. */
async function testOf(
  log: ArchivedLog,
  { filter }: DestinationSettings,
  trail: string,
): Promise<RecordTest | undefined> {
  if (filter === undefined) return undefined;
  const { pii, maskTag } = await log.policyOf(trail);
  const { passes } = selectRecords(filterQuery(filter), Date.now(), (name, value) =>
    pii === 'mask' && MASKED_FILTERS.some((masked) => masked === filterOf(name))
      ? [maskValue(value, maskTag), maskValue(value)]
      : [],
  );
  return passes;
}
