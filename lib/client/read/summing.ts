import { COUNTED, type Summary } from '../../contract/summary.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import type { HttpRequest, SignedHttp } from '../http/http.ts';

/** Called with every part of a summary that takes several calls. */
export type OnPart = (part: Summary) => void;

/**
 * A summary, of which the server counts a part in each call where it has to read many records. The parts add up.
 *
 * @param path of the trail's summary
 * @throws `unavailable` for an answer that is no summary; the server's own errors
 */
export async function fetchSummary(
  http: SignedHttp,
  path: string,
  query: NonNullable<HttpRequest['query']>,
  { signal, onPart }: { readonly signal?: AbortSignal; readonly onPart?: OnPart } = {},
): Promise<Summary> {
  const ask = async (more: NonNullable<HttpRequest['query']>): Promise<Summary> => {
    const answer = await http.send({ path, query: { ...query, ...more }, ...(signal && { signal }) });
    return summaryIn(answer.json());
  };
  const first = await ask({});
  if (first.more !== true) return first;
  const { Tally } = await import('../../question/tally.ts');
  const { cursor: _, more: __, histogram, groups, ...rest } = first;
  const { bucket, clock, tz } = histogram;
  const tally = new Tally({ bucket, clock, zone: tz, by: groups?.fields });
  let scanned = 0;
  let part = first;
  for (;;) {
    tally.addPart(part);
    scanned += part.scanned ?? 0;
    onPart?.({ ...part, scanned });
    if (part.more !== true) break;
    const before = part.cursor;
    part = await ask({ bucket, cursor: before });
    if (before === undefined || part.cursor === before) {
      throw new SealtrailError('unavailable', 'the server repeats a part of a summary');
    }
  }
  const { top } = query;
  // Only the last part knows that nothing was found at all.
  const { absence } = part;
  return {
    ...rest,
    ...(absence && { absence }),
    ...tally.counts(top === undefined ? undefined : Number(top)),
    scanned,
    more: false,
  };
}

/** The parts that are read here are checked; the server is taken at its word for the rest. */
function summaryIn(answer: unknown): Summary {
  if (isObject(answer) && isObject(answer.by) && isObject(answer.histogram) && typeof answer.total === 'number') {
    const { by } = answer;
    if (answer.more !== true || COUNTED.every((name) => isObject(by[name]))) return answer as unknown as Summary;
  }
  throw new SealtrailError('unavailable', 'the server did not answer with counts');
}
