import { FILTER_NAMES, type FilterName, filterOf } from '../../contract/query.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import { momentIn } from '../../question/moments.ts';

/** A filter of a question: what a chip shows. */
export interface Chip {
  readonly name: FilterName | 'seq';
  readonly value: string;
}

/** The views of a question's records. */
export const VIEWS = ['records', 'summary', 'activity', 'runs'] as const;
export type View = (typeof VIEWS)[number];
/** How times are shown. */
export const CLOCKS = ['utc', 'local', 'ago'] as const;
export type Clock = (typeof CLOCKS)[number];

/** Everything that the page shows follows from this, so a link to it shows the same to others. */
export interface Question {
  readonly trails: readonly string[];
  readonly chips: readonly Chip[];
  /** As it was typed: `2h`, `yesterday`, `2026-01-31 08:00`; empty: no bound. */
  readonly from: string;
  readonly to: string;
  readonly clock: Clock;
  readonly view: View;
  /** The record in the drawer: `<trail>/<seq>`. */
  readonly open: string;
}

/** The first question shown: the last day, without filters. */
const FIRST_QUESTION: Question = {
  trails: [],
  chips: [],
  from: '24h',
  to: '',
  clock: 'utc',
  view: 'records',
  open: '',
};

const isChipName = (name: string): name is Chip['name'] => name === 'seq' || filterOf(name) !== undefined;

/** Reads a question from the part of an address behind `#`. What is not of a question is left out. */
export function questionOf(hash: string): Question {
  const parameters = new URLSearchParams(hash.replace(/^#?\??/, ''));
  const word = <T extends string>(name: string, words: readonly T[], otherwise: T): T =>
    words.find((one) => one === parameters.get(name)) ?? otherwise;
  return {
    trails: parameters.getAll('trail').filter((trail) => isTrailName(trail) || isSystemTrailName(trail)),
    chips: [...parameters].flatMap(([name, value]) => (isChipName(name) && value !== '' ? [{ name, value }] : [])),
    from: parameters.get('from') ?? (parameters.size === 0 ? FIRST_QUESTION.from : ''),
    to: parameters.get('to') ?? '',
    clock: word('clock', CLOCKS, FIRST_QUESTION.clock),
    view: word('view', VIEWS, FIRST_QUESTION.view),
    open: /^[a-z0-9_-]+\/\d+$/.exec(parameters.get('open') ?? '')?.[0] ?? '',
  };
}

/** The part of an address that {@link questionOf} reads. */
export function hashOf({ trails, chips, from, to, clock, view, open }: Question): string {
  const parameters = new URLSearchParams(trails.map((trail): [string, string] => ['trail', trail]));
  for (const { name, value } of chips) parameters.append(name, value);
  for (const [name, value] of Object.entries({ from, to, clock, view, open })) {
    if (value !== '' || name === 'from') parameters.set(name, value);
  }
  return `#?${parameters}`;
}

/** Words by which people call filters, besides the filters' own names. */
const ALSO: Readonly<Record<string, Chip['name']>> = { who: 'actor', what: 'type', on: 'resource', record: 'seq' };

/**
 * The chip that a text means: `actor:alice`, `-actor:alice` or `notActor:alice`, `details.amount > 100`, or else words to look
 * for. Undefined for an empty text.
 */
export function chipOf(text: string): Chip | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const [, minus, name = '', value = ''] = /^(-?)(\w+)[:=]\s*(\S.*)$/s.exec(trimmed) ?? [];
  const known = ALSO[name] ?? name;
  if (value !== '' && isChipName(known)) {
    const filter = { name: known, value };
    return minus === '-' ? negated(filter) : filter;
  }
  if (/^[\w.[\]]+\s*(?:[<>]=?|!?=)\s*\S|^[\w.[\]]+ exists$/.test(trimmed)) return { name: 'where', value: trimmed };
  return { name: 'text', value: trimmed };
}

/** The contrary of a chip. Record numbers have none. */
export function negated({ name, value }: Chip): Chip {
  if (name === 'seq') return { name, value };
  const base = filterOf(name);
  const contrary = FILTER_NAMES.find((one) => filterOf(one) === base && one !== name);
  return { name: contrary ?? name, value };
}

/** True if a chip takes out what its value is. */
export const isNegated = ({ name }: Chip): boolean => name !== 'seq' && filterOf(name) !== name;

/** Bounds in Unix milliseconds, `to` exclusive. */
export interface Period {
  readonly from?: number;
  readonly to?: number;
}

/** Where a person is: times without a zone are of it. */
export const zoneOf = ({ clock }: Pick<Question, 'clock'>): string =>
  clock === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The period of a question at a moment. A bound that is no time is undefined in `wrong`'s stead. */
export function periodOf(question: Question, now: number): Period & { readonly wrong?: 'from' | 'to' } {
  const clock = { now, zone: zoneOf(question) };
  const [from, to] = [question.from, question.to].map((text) => (text === '' ? undefined : momentIn(text, clock)));
  if (question.from !== '' && from === undefined) return { wrong: 'from' };
  if (question.to !== '' && to === undefined) return { wrong: 'to' };
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

/** The parameters by which the API selects the records of a question, but for trail and page. */
export function selectionOf({ chips }: Pick<Question, 'chips'>, { from, to }: Period): [string, string][] {
  const selection = chips.map(({ name, value }): [string, string] => [name, value]);
  if (from !== undefined) selection.push(['from', String(from)]);
  if (to !== undefined) selection.push(['to', String(to)]);
  return selection;
}
