import { type Command, Option } from 'commander';
import type { HttpRequest } from '../../client/http/http.ts';
import type { Dimension } from '../../contract/dimensions.ts';
import type { EventPeriods } from '../../contract/query.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../../contract/vocabulary.ts';
import { collect, type ServerOptions } from './shell.ts';

/** Help on every filter that may be given several times, by the name of its parameter. */
const REPEATED: Readonly<Record<Exclude<Dimension, 'severity'>, string>> = {
  type: 'type, an alias of one, or a group such as auth.*',
  actor: 'who acted',
  actorType: `kind of party: ${ACTOR_TYPES.join(', ')}`,
  resource: 'what was acted on, by id',
  resourceType: 'kind of thing that was acted on',
  tenant: 'customer',
  project: 'project, repository or workspace',
  session: 'session',
  request: 'request',
  correlation: 'correlation id',
  agent: 'agent',
  action: 'action, or the id of an action',
  approval: 'id of an approval',
  outcome: `outcome: ${OUTCOMES.join(', ')}`,
  decision: `decision: ${DECISIONS.join(', ')}`,
  submitter: 'the principal that sent the event',
  id: "the event's id",
};

/** Help on every filter that may be given once. */
const SINGLE: Readonly<Record<'severity' | keyof EventPeriods, string>> = {
  severity: `this severity or a higher one: ${SEVERITIES.join(', ')}`,
  from: 'received at this time or later (RFC 3339, a date of UTC, or Unix milliseconds)',
  to: 'received before this time',
  timeFrom: "happened at this time or later, by the producer's clock",
  timeTo: "happened before this time, by the producer's clock",
};

/** Options of the filters whose own names the shell uses already: the compiler asks for each. */
const RENAMED: Readonly<Record<Extract<Dimension, keyof ServerOptions>, string>> = {};
const RENAMED_TO: ReadonlyMap<string, string> = new Map(Object.entries(RENAMED));

const GROUP = 'Filters (repeat one for several values):';

/** Adds an option for every filter of a query. */
export function withFilters(command: Command): Command {
  for (const [name, help] of Object.entries(REPEATED)) {
    command.addOption(new Option(`--${optionOf(name)} <value>`, help).argParser(collect).helpGroup(GROUP));
  }
  for (const [name, help] of Object.entries(SINGLE)) {
    command.addOption(new Option(`--${optionOf(name)} <value>`, help).helpGroup(GROUP));
  }
  return command;
}

/** The query parameters of the options that were given. */
export function filtersOf(options: Readonly<Record<string, unknown>>): NonNullable<HttpRequest['query']> {
  const query: Record<string, string | readonly string[]> = {};
  for (const name of Object.keys(REPEATED)) {
    const values = options[attributeOf(name)];
    if (Array.isArray(values)) query[name] = values.map(String);
  }
  for (const name of Object.keys(SINGLE)) {
    const value = options[attributeOf(name)];
    if (typeof value === 'string') query[name] = value;
  }
  return query;
}

/** `actor-type` for the parameter `actorType`. */
const optionOf = (parameter: string): string =>
  RENAMED_TO.get(parameter) ?? parameter.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Commander's name for a parameter's option. */
const attributeOf = (parameter: string): string =>
  optionOf(parameter).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
