import type { QueryOrder } from '../../../contract/query.ts';
import { ACTION_ENDS, ACTION_REQUESTED } from '../../../contract/vocabulary.ts';
import { SealtrailError } from '../../../log/error.ts';
import { isObject } from '../../../log/json.ts';
import { parseRecord } from '../../../log/record.ts';
import type { LinePage } from '../../output/pages.ts';

/** The types that a query must ask for, so that {@link unanswered} can tell. */
export const ACTION_TYPES: readonly string[] = [ACTION_REQUESTED, ...ACTION_ENDS];

/** Open requests that are kept at a time, at most. */
const MAX_OPEN = 50_000;

interface Open {
  readonly line: string;
  readonly isArchived: boolean;
}

/**
 * The requests of agents that have no outcome among the records of some pages, as one page.
 *
 * @param pages of records of {@link ACTION_TYPES}, the oldest first
 * @throws `usage` where there are too many
 */
export async function* unanswered(
  pages: AsyncIterable<LinePage>,
  order: QueryOrder,
  limit: number,
): AsyncGenerator<LinePage> {
  const open = new Map<string, Open>();
  let last: LinePage | undefined;
  let scanned = 0;
  for await (const page of pages) {
    last = page;
    scanned += page.scanned;
    for (const [at, line] of page.lines.entries()) take(open, { line, isArchived: at < page.archived });
  }
  if (last === undefined) return;
  const all = [...open.values()];
  const found = (order === 'newest' ? all.reverse() : all).slice(0, limit);
  const archived = found.filter(({ isArchived }) => isArchived).length;
  yield { ...last, lines: found.map(({ line }) => line), archived, scanned, more: false, cursor: undefined };
}

function take(open: Map<string, Open>, found: Open): void {
  const { type, context } = parseRecord(found.line).event;
  const id = isObject(context) ? context.action : undefined;
  if (typeof id !== 'string') return;
  if (type !== ACTION_REQUESTED) open.delete(id);
  else if (!open.has(id)) open.set(id, found);
  if (open.size > MAX_OPEN) {
    throw new SealtrailError(
      'usage',
      `more than ${MAX_OPEN} requests have no outcome: ask for a shorter time (--from, --to)`,
    );
  }
}
