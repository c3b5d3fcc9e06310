import fc from 'fast-check';
import { DIMENSIONS, type Dimension } from '../../lib/contract/dimensions.ts';
import { FILTER_NAMES, type Filter, filterOf, negationOf } from '../../lib/contract/query.ts';
import { SEVERITIES } from '../../lib/contract/vocabulary.ts';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import { readBlocks } from '../../lib/ledger/blocks.ts';
import { commit, readHead } from '../../lib/ledger/commit.ts';
import type { Block } from '../../lib/ledger/items/block.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { Queries } from '../../lib/query/queries.ts';
import type { Filters, Match, Query } from '../../lib/query/query.ts';
import { severitiesFrom } from '../../lib/question/selection.ts';
import type { Table } from '../../lib/store/ports.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { filesOf } from '../support/index-files.ts';

export const TRAIL = 'payments';
export const SECRET = Buffer.from('a secret of the deployment');
/** 2026-01-01T00:00:00Z. */
export const START = Date.UTC(2026, 0, 1);

/** An event as a test writes it: whatever fields it cares about. */
export type TestEvent = Readonly<Record<string, unknown>>;

/** Seals events as one block, received at `at` by the server's clock. */
export async function append(table: Table, events: readonly TestEvent[], at = START, submitter = 'app', trail = TRAIL) {
  const lines = events.map((event, n) => {
    const full = { id: `e-${n}`, severity: 'info', type: 'data.read', ...event };
    // The fields of test events are flat or nested once, with keys that the tests give in order.
    return { id: String(full.id), json: JSON.stringify(Object.fromEntries(Object.entries(full).sort())) };
  });
  const known = await readHead(table, trail);
  await commit({ table, trail, now: () => at, known }, [{ submitter, events: lines }]);
}

/** A record as a reader who knows nothing of the code sees it. */
export interface PlainRecord {
  readonly seq: number;
  readonly receivedAt: number;
  readonly submitter: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly severity: string;
    readonly time?: string;
    readonly outcome?: string;
    readonly action?: string;
    readonly decision?: string;
    readonly actor?: Readonly<Record<'id' | 'type' | 'ip' | 'userAgent', string | undefined>>;
    readonly resource?: { readonly id?: string; readonly type?: string };
    readonly context?: Readonly<Record<string, string>>;
  };
}

/** All records of a trail, in order, with their lines. */
export async function allRecords(table: Table, trail = TRAIL): Promise<{ line: string; record: PlainRecord }[]> {
  const blocks: Block[] = await Array.fromAsync(readBlocks(table, trail, { from: 0, to: Number.MAX_SAFE_INTEGER }));
  return blocks.flatMap(({ lines }) => lines.map((line) => ({ line, record: JSON.parse(line) })));
}

/** What a record has in a dimension, written down once more from the description of the fields. */
export function valuesOf({ event, submitter }: PlainRecord, dimension: Dimension): (string | undefined)[] {
  const { actor, resource, context } = event;
  switch (dimension) {
    case 'type':
    case 'severity':
    case 'outcome':
    case 'decision':
    case 'id':
      return [event[dimension]];
    case 'submitter':
      return [submitter];
    case 'actor':
      return [actor?.id];
    case 'actorType':
      return [actor?.type];
    case 'ip':
    case 'userAgent':
      return [actor?.[dimension]];
    case 'resource':
      return [resource?.id];
    case 'resourceType':
      return [resource?.type];
    case 'action':
      return [event.action, context?.action];
    case 'agent':
      return [context?.agent, actor?.type === 'agent' ? actor.id : undefined];
    default:
      return [context?.[dimension]];
  }
}

/** Whether a record is what a query asks for: the definition that the index must agree with. */
export function isMatch(record: PlainRecord, { filters, from, to }: Pick<Query, 'filters' | 'from' | 'to'>): boolean {
  if (from !== undefined && record.receivedAt < from) return false;
  if (to !== undefined && record.receivedAt >= to) return false;
  if (filters.time !== undefined) {
    const happened = Date.parse(record.event.time ?? 'never');
    const { from: since = Number.NEGATIVE_INFINITY, to: until = Number.POSITIVE_INFINITY } = filters.time;
    if (!(happened >= since && happened < until)) return false;
  }
  return FILTER_NAMES.every((name) => {
    const wanted = filters[name];
    if (wanted === undefined) return true;
    const filter = filterOf(name);
    const some = wanted.map((want) => isFound(record, filter, want));
    const isTransient = filter === 'where' && name === filter ? some.every(Boolean) : some.some(Boolean);
    return isTransient === (name === filter);
  });
}

/** Conditions that are asked for, and what they mean. */
const CONDITIONS: Readonly<Record<string, (record: PlainRecord) => boolean>> = {
  'actor.type = user': ({ event }) => event.actor?.type === 'user',
  'context.project>p-1': ({ event }) => (event.context?.project ?? '') > 'p-1',
  'resource.type exists': ({ event }) => event.resource?.type !== undefined,
};

function isFound(record: PlainRecord, filter: Filter | undefined, want: string): boolean {
  if (filter === 'where') return CONDITIONS[want]?.(record) ?? false;
  if (filter === 'text') return textsIn(record.event).some((text) => text.toLowerCase().includes(want.toLowerCase()));
  if (filter === undefined) throw new RangeError('there is no such filter');
  const [opens, closes] = [want.startsWith('*'), want.length > 1 && want.endsWith('*')];
  const rest = want.slice(opens ? 1 : 0, closes ? -1 : undefined);
  return valuesOf(record, filter).some((value) => {
    if (value === undefined) return false;
    if (opens && closes) return value.includes(rest);
    if (opens) return value.endsWith(rest);
    return closes ? value.startsWith(rest) : value === rest;
  });
}

const textsIn = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [String(value)];

export const openQueries = (table: Table, options: { budget?: number; masks?: boolean } = {}): Queries =>
  new Queries({
    table,
    files: filesOf(table),
    secret: SECRET,
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.masks === true ? { policy: () => ({ pii: 'mask' as const }) } : {}),
  });

/** Indexes everything there is. */
export const index = (table: Table): Promise<void> =>
  new Indexer({ table, files: filesOf(table) }).run(TRAIL, { force: true });

/** Runs what a planned fault may hit; what it throws then is part of the plan. */
export async function despite(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof SealtrailError) || !['unavailable', 'outcome_unknown'].includes(error.code)) throw error;
  }
}

export const ask = (filters: Filters = {}, rest: Partial<Query> = {}): Query => ({
  filters,
  order: 'newest',
  limit: 100,
  ...rest,
});

/** All pages of a query, one after the other. `between` runs after each page. */
export async function readAll(
  queries: Queries,
  query: Query,
  between: (page: number) => Promise<void> = async () => undefined,
): Promise<{ matches: Match[]; sizes: number[]; pages: number }> {
  const matches: Match[] = [];
  const sizes: number[] = [];
  let next: Query | undefined = query;
  for (let pages = 1; next !== undefined; pages++) {
    if (pages > 10_000) throw new Error('the pages do not end');
    const page = await queries.page(TRAIL, next);
    matches.push(...page.matches);
    sizes.push(page.asOf);
    next = page.more && page.cursor !== undefined ? { ...query, cursor: page.cursor } : undefined;
    if (next !== undefined) await between(pages);
  }
  return { matches, sizes, pages: sizes.length };
}

const among = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });

/** For every dimension there is, the values that events have; so none is left out of what is compared with a scan. */
const VALUES = {
  id: ['id-7', 'id-8'],
  type: ['auth.login', 'auth.mfa.added', 'auth.logout', 'data.read', 'authz.denied'],
  severity: ['debug', 'info', 'warning', 'error', 'critical'],
  submitter: ['app', 'other'],
  outcome: ['success', 'failure'],
  decision: ['allow', 'deny', 'require_approval'],
  actor: ['alice', 'bob', 'carol "c"', 'dave\n', 'x'],
  actorType: ['user', 'agent'],
  ip: ['192.0.2.1', '2001:db8::1'],
  userAgent: ['curl/8', 'x'],
  resource: ['doc-1', 'doc-2', 'x'],
  resourceType: ['document', 'x'],
  tenant: ['t-1'],
  project: ['p-1', 'p-2'],
  session: ['s-1', 's-2'],
  request: ['r-1', 'r-2', 'r-3'],
  correlation: ['c-1', 'x'],
  approval: ['ok-1'],
  action: ['open', 'a-1', 'x'],
  agent: ['x', 'alice'],
} as const satisfies Readonly<Record<Dimension, readonly string[]>>;

/** By a producer's clock, which need not agree with the server's. */
const someMoment = fc.integer({ min: -10, max: 10 }).map((n) => START + n * 3_600_000);

/** Events with few different values, so that filters find some and not all. */
export const someEvent: fc.Arbitrary<TestEvent> = fc
  .record({
    type: fc.constantFrom(...VALUES.type),
    severity: fc.constantFrom(...VALUES.severity),
    outcome: among(...VALUES.outcome),
    decision: among(...VALUES.decision),
    action: among(...VALUES.action),
    time: fc.option(
      someMoment.map((at) => new Date(at).toISOString()),
      { nil: undefined },
    ),
    id: fc.integer({ min: 0, max: 5000 }).map((n) => `id-${n}`),
    actor: fc.option(
      fc.record({
        id: fc.constantFrom(...VALUES.actor),
        type: among(...VALUES.actorType),
        ip: among(...VALUES.ip),
        userAgent: among(...VALUES.userAgent),
      }),
      { nil: undefined },
    ),
    resource: fc.option(fc.record({ id: among(...VALUES.resource), type: among(...VALUES.resourceType) }), {
      nil: undefined,
    }),
    context: fc.option(
      fc.record({
        action: among(...VALUES.action),
        agent: among(...VALUES.agent),
        approval: among(...VALUES.approval),
        correlation: among(...VALUES.correlation),
        project: among(...VALUES.project),
        request: among(...VALUES.request),
        session: among(...VALUES.session),
        tenant: among(...VALUES.tenant),
      }),
      { nil: undefined },
    ),
  })
  // As JSON has it: what is undefined is not there.
  .map((event) => JSON.parse(JSON.stringify(event)));

const someValues = (values: readonly string[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });

/** What is asked for besides the values of events: groups, patterns, and what no one has. */
const ASKED: Partial<Record<Dimension, readonly string[]>> = {
  type: ['auth.*', 'auth.mfa.*', '*.login', 'a*'],
  actor: ['nobody', 'a*', '*l*'],
  resource: ['*-1', '*'],
};
const ASKED_OF: Readonly<Record<'where' | 'text', readonly string[]>> = {
  where: Object.keys(CONDITIONS),
  text: ['ALICE', '"c"', 'h'],
};

/** A filter of any kind or its contrary, `severity` as the least of it, or of the producer's clock. */
const someFilter = fc.oneof(
  {
    weight: DIMENSIONS.length,
    arbitrary: fc
      .constantFrom(...DIMENSIONS)
      .chain((name) => fc.tuple(fc.constant(name), someValues([...VALUES[name], ...(ASKED[name] ?? [])]))),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...DIMENSIONS)
      .chain((name) => fc.tuple(fc.constant(negationOf(name)), someValues([...VALUES[name], ...(ASKED[name] ?? [])]))),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('where' as const, 'text' as const)
      .chain((name) => fc.tuple(fc.constantFrom(name, negationOf(name)), someValues(ASKED_OF[name]))),
  },
  fc.tuple(fc.constant('severity' as const), fc.constantFrom(...SEVERITIES).map(severitiesFrom)),
  fc.tuple(fc.constant('time' as const), fc.record({ from: someMoment, to: someMoment }, { requiredKeys: [] })),
);

/** Zero to four filters, of different dimensions. */
export const someFilters: fc.Arbitrary<Filters> = fc
  .uniqueArray<readonly [keyof Filters, Filters[keyof Filters]], keyof Filters>(someFilter, {
    maxLength: 4,
    selector: ([dimension]) => dimension,
  })
  .map((entries) => Object.fromEntries(entries));

export { MemoryTable };
