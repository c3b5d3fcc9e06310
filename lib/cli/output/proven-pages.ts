import type { HttpRequest, SignedHttp } from '../../client/http/http.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import { checkAnswer } from '../../verify/answers/check-answer.ts';
import type { TrustedKeys } from '../../verify/evidence/trust.ts';
import { absenceSchema, type LinePage, maskedSchema } from './pages.ts';

/** A page whose proof was checked. */
export interface ProvenLinePage extends LinePage {
  readonly proof: unknown;
}

/** Fetches the pages of a query with their proofs, and checks them. @throws as `checkAnswer` */
export async function* provenPages(
  http: SignedHttp,
  trail: string,
  query: NonNullable<HttpRequest['query']>,
  limit: number,
  { keys, signal }: { readonly keys: TrustedKeys; readonly signal: AbortSignal },
): AsyncGenerator<ProvenLinePage, void, void> {
  let left = limit;
  let cursor = query.cursor;
  do {
    const parameters = { ...query, proof: '1', limit: Math.min(left, 1000), ...(cursor !== undefined && { cursor }) };
    const answer = (await http.send({ path: `/v1/trails/${trail}/events`, query: parameters, signal })).json();
    if (!isObject(answer) || !isObject(answer.proof) || !isObject(answer.sources)) {
      throw new SealtrailError(
        'unavailable',
        'the server did not answer with a proof: it may be of an earlier version',
      );
    }
    const { proof, sources, scanned, asOf, more, masked, absence } = answer;
    const { records, trail: of } = checkAnswer(proof, keys);
    if (of !== trail) throw new SealtrailError('proof_mismatch', `the server proved an answer of trail ${of}`);
    const next = typeof answer.cursor === 'string' ? answer.cursor : undefined;
    yield {
      lines: query.order === 'oldest' ? records : records.toReversed(),
      archived: Number(sources.archive),
      scanned: Number(scanned),
      asOf: Number(asOf),
      more: more === true,
      masked: maskedSchema.array().safeParse(masked).data ?? [],
      absence: absenceSchema.safeParse(absence).data ?? [],
      cursor: next,
      proof,
    };
    left -= records.length;
    if (more !== true || left <= 0) return;
    if (next === undefined || next === cursor) throw new SealtrailError('unavailable', 'the server repeats a page');
    cursor = next;
  } while (cursor !== undefined);
}
