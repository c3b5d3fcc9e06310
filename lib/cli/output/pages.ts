import * as z from 'zod';
import type { HttpRequest, SignedHttp } from '../../client/http/http.ts';
import { ABSENCE_REASONS, type Absence, FILTER_NAMES, MASKED_FILTERS, type Masked } from '../../contract/query.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import { printable } from './table.ts';
import { count, type Output, Progress, plural } from './terminal.ts';

/** A page of a query, as record lines. */
export interface LinePage {
  readonly lines: readonly string[];
  /** How many of them the log read from its archive. */
  readonly archived: number;
  /** How many records the log looked at for it. */
  readonly scanned: number;
  /** The trail's size that the answer holds for; of several trails each one's. */
  readonly asOf: number | Readonly<Record<string, number>>;
  /** True if there is more by now. */
  readonly more: boolean;
  /** Values that the filters looked for in masked form. */
  readonly masked: readonly Masked[];
  /** Why there is no record, where there is none. */
  readonly absence: readonly Absence[];
  /** Where to go on; at the end only with the oldest first, for what may still be appended. */
  readonly cursor: string | undefined;
}

/** Fetches the pages of a query of one trail or several until `limit` records have come or there are no more. */
export async function* queryPages(
  http: SignedHttp,
  trails: readonly string[],
  query: NonNullable<HttpRequest['query']>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<LinePage> {
  let left = limit;
  let cursor = query.cursor;
  const [only = ''] = trails;
  const path = trails.length === 1 ? `/v1/trails/${only}/events` : '/v1/events';
  const which = trails.length === 1 ? {} : { trail: trails };
  for (;;) {
    const page = { ...query, ...which, format: 'ndjson', limit: Math.min(left, 1000), cursor };
    const answer = await http.send({ path, query: page, signal });
    const lines = answer
      .text()
      .split('\n')
      .filter((line) => line !== '');
    const more = answer.headers.get('x-more') === 'true';
    const next = answer.headers.get('x-next-cursor') ?? undefined;
    const [, archived = '0'] = /\barchive=(\d+)/.exec(answer.headers.get('x-sources') ?? '') ?? [];
    const asOf = sizesOf(answer.headers.get('x-as-of') ?? '');
    const masked = maskedIn(answer.headers.get('x-masked'));
    const absence = absenceIn(answer.headers.get('x-absence'));
    const scanned = Number(answer.headers.get('x-scanned') ?? 0);
    yield { lines, archived: Number(archived), scanned, asOf, more, masked, absence, cursor: next };
    left -= lines.length;
    if (!more || left <= 0) return;
    if (next === undefined || next === cursor) throw new SealtrailError('unavailable', 'the server repeats a page');
    cursor = next;
  }
}

/** `5`, or `orders=5, payments=7`. */
function sizesOf(header: string): LinePage['asOf'] {
  if (!header.includes('=')) return Number(header);
  const sizes = header.split(', ').map((one) => one.split('='));
  return Object.fromEntries(sizes.map(([trail = '', size]) => [trail, Number(size)]));
}

export const maskedSchema: z.ZodType<Masked> = z.object({
  filter: z.enum(MASKED_FILTERS),
  asked: z.string(),
  as: z.string(),
  shared: z.string().exactOptional(),
} satisfies Shape<Masked>);

function maskedIn(header: string | null): readonly Masked[] {
  if (header === null) return [];
  const parsed = z.array(maskedSchema).safeParse(parseJson(header));
  if (parsed.success) return parsed.data;
  throw new SealtrailError('unavailable', 'the server answered with a header x-masked that is not readable');
}

/** Why an answer is empty, as a server says it. */
export const absenceSchema: z.ZodType<readonly Absence[]> = z.array(
  z.object({
    reason: z.enum(ABSENCE_REASONS),
    trail: z.string(),
    filter: z.enum(FILTER_NAMES).exactOptional(),
    value: z.string().exactOptional(),
    near: z.array(z.string()).exactOptional(),
    size: z.number(),
    first: z.number().exactOptional(),
    newest: z.number().exactOptional(),
  } satisfies Shape<Absence>),
);

/** An older server gives no reasons, and a newer one others: both are no reasons here. */
function absenceIn(header: string | null): readonly Absence[] {
  const parsed = absenceSchema.safeParse(header === null ? [] : parseJson(header));
  return parsed.success ? parsed.data : [];
}

/** A sentence on a value that records hold in masked form. */
export function maskedSentence({ filter, asked, as, shared }: Masked): string {
  const said = `${printable(asked)} is masked: records name the ${filter} ${printable(as)}.`;
  if (shared === undefined) return said;
  return `${said} Those that name ${printable(shared)} may be of others whose addresses look alike.`;
}

/** Fewer records than that are looked at in no time. */
const WORTH_SHOWING = 1000;

/**
 * Pages until so many records were looked at: then the last one says that there is more. How far it has come is shown as it goes,
 * where the log has to look at many.
 */
export async function* bounded(
  pages: AsyncIterable<LinePage>,
  most: number,
  stderr: Output,
): AsyncGenerator<LinePage, void, void> {
  const progress = new Progress(stderr);
  let scanned = 0;
  try {
    for await (const page of pages) {
      progress.clear();
      scanned += page.scanned;
      yield page;
      if (scanned >= most) return;
      const of =
        typeof page.asOf === 'number' ? page.asOf : Object.values(page.asOf).reduce((sum, one) => sum + one, 0);
      if (page.more && scanned >= WORTH_SHOWING)
        progress.show(() => `looked at ${count(scanned)} of at most ${plural(of, 'record')}`);
    }
  } finally {
    progress.clear();
  }
}
