import type { HttpRequest, SignedHttp } from '../../client/http/http.ts';
import type { ListedTrail } from '../../contract/replies.ts';
import { SealtrailError } from '../../log/error.ts';
import { utc } from '../output/records.ts';
import { plural, type Terminal, write } from '../output/terminal.ts';
import { listTrails } from './trails.ts';

/** What was asked for and had no answer. */
export interface Unanswered {
  readonly trails: readonly string[];
  /** Query parameters: filters, and the period. */
  readonly query: NonNullable<HttpRequest['query']>;
}

/**
 * Says on stderr why there may be nothing to show: that nothing happened is an answer, and a mistake must not look like it.
 *
 * @throws `not_found` where there is no such trail
 */
export async function explainAbsence(http: SignedHttp, asked: Unanswered, { stderr, signal }: Terminal): Promise<void> {
  const known = new Map((await listTrails(http, signal)).map((one) => [one.trail, one]));
  const unknown = asked.trails.find((trail) => !known.has(trail));
  if (unknown !== undefined) {
    throw new SealtrailError(
      'not_found',
      `there is no trail ${unknown} that you may read: "sealtrail trails" lists them`,
    );
  }
  const notes = asked.trails.flatMap((trail) => sizeNote(known.get(trail), asked.query.from));
  for (const note of notes) await write(stderr, `${note}\n`);
}

function sizeNote(trail: ListedTrail | undefined, from: unknown): string[] {
  if (trail === undefined || trail.size === 0) return [];
  const has = `${trail.trail} has ${plural(trail.size, 'record')}, the newest received ${utc(trail.receivedAt)} UTC`;
  const begins = typeof from === 'string' ? (/^\d+$/.test(from) ? Number(from) : Date.parse(from)) : Number.NaN;
  return [begins > trail.receivedAt ? `${has}: before the period begins.` : `${has}.`];
}
