import type { SignedHttp } from '../../client/http/http.ts';
import type { Absence } from '../../contract/query.ts';
import { SealtrailError } from '../../log/error.ts';
import { nearNames } from '../../question/near.ts';
import { utc } from '../output/records.ts';
import { printable } from '../output/table.ts';
import { plural, type Terminal, write } from '../output/terminal.ts';
import { optionOf } from './filters.ts';
import { listTrails } from './trails.ts';

/**
 * Says on stderr why there is nothing to show: that nothing happened is an answer, and a mistake must not look like it.
 *
 * @throws `not_found` where there is no such trail
 */
export async function explainAbsence(
  http: SignedHttp,
  absence: readonly Absence[] | undefined,
  { stderr, signal }: Terminal,
): Promise<void> {
  for (const one of absence ?? []) {
    if (one.reason === 'no_trail') await assertTrail(http, one.trail, signal);
    else await write(stderr, `${sentenceOn(one)}\n`);
  }
}

/** A trail without records may yet be one: `_access` before the first request. */
async function assertTrail(http: SignedHttp, trail: string, signal: AbortSignal): Promise<void> {
  const known = (await listTrails(http, signal)).map((one) => one.trail);
  if (known.includes(trail)) return;
  const near = nearNames(trail, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  throw new SealtrailError(
    'not_found',
    `there is no trail ${trail} that you may read: "sealtrail trails" lists them.${hint}`,
  );
}

function sentenceOn({ reason, trail, filter, value = '', near = [], size, first, newest }: Absence): string {
  const has = `${trail} has ${plural(size, 'record')}, the newest received ${utc(newest ?? 0)} UTC`;
  switch (reason) {
    case 'period_before':
      return `${has}, the first ${utc(first ?? 0)} UTC: after the period ends.`;
    case 'period_after':
      return `${has}: before the period begins.`;
    case 'period_empty':
      return `${has}, and none in the period or of the numbers that were asked for.`;
    case 'no_such_value': {
      const hint = near.length > 0 ? ` Did you mean ${near.map(printable).join(' or ')}?` : '';
      return `No record of ${trail} has --${optionOf(filter ?? '')} ${printable(value)}, in any period.${hint} ${has}.`;
    }
    default:
      return `${has}, and none that passes all filters.`;
  }
}
