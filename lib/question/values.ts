import { resolveType } from '../contract/catalogue.ts';
import type { Filter } from '../contract/query.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../contract/vocabulary.ts';
import { SealtrailError } from '../log/error.ts';
import { conditionOf, conditionTest } from './conditions.ts';
import { patternOf } from './patterns.ts';

const TYPE_RULE = 'must be a type such as auth.login, one of its aliases, or a group such as auth.* or *.denied';

/** Filters that take certain words only. */
export const WORDS_OF: Readonly<Partial<Record<Filter, readonly string[]>>> = {
  actorType: ACTOR_TYPES,
  outcome: OUTCOMES,
  severity: SEVERITIES,
  decision: DECISIONS,
};

/** Maximum characters of a value: those of an event's longest field. */
export const MAX_VALUE_LENGTH = 1024;

/**
 * Reads a value of a filter as it is asked for: a type by any of its names becomes the type.
 *
 * @throws `invalid_parameter`, naming the fault
 */
export function filterValue(filter: Filter, text: string): string {
  if (text === '') throw refused('must not be empty');
  if (text.length > MAX_VALUE_LENGTH) throw refused(`must have at most ${MAX_VALUE_LENGTH} characters`);
  const words = WORDS_OF[filter];
  if (words !== undefined && !words.includes(text)) throw refused(`must be one of ${words.join(', ')}`);
  if (filter === 'type') return typeValue(text);
  if (filter === 'where') conditionTest(conditionOf(text));
  else if (filter !== 'text' && words === undefined) patternOf(text);
  return text;
}

function typeValue(text: string): string {
  const { kind, text: rest } = patternOf(text.toLowerCase());
  const isPattern = kind !== 'whole' && /^[a-z0-9._-]*$/.test(rest);
  const name = isPattern ? text.toLowerCase() : kind === 'whole' ? resolveType(text)?.name : undefined;
  if (name === undefined) throw refused(TYPE_RULE);
  return name;
}

const refused = (rule: string): SealtrailError => new SealtrailError('invalid_parameter', rule);
