import { type Command, Option } from 'commander';
import type { HttpRequest } from '../../client/http/http.ts';
import { collect } from './shell.ts';

/** Filters that may be given several times; any of the values is fine. The name of the option and of the parameter. */
const FILTERS: readonly (readonly [option: string, parameter: string, help: string])[] = [
  ['type', 'type', 'type, an alias of one, or a group such as auth.*'],
  ['actor', 'actor', 'who acted'],
  ['actor-type', 'actorType', 'what kind of party: user, system, admin, agent, service'],
  ['resource', 'resource', 'what was acted on, by id'],
  ['resource-type', 'resourceType', 'what kind of thing was acted on'],
  ['tenant', 'tenant', 'customer'],
  ['project', 'project', 'project, repository or workspace'],
  ['session', 'session', 'session'],
  ['request', 'request', 'request'],
  ['correlation', 'correlation', 'correlation id'],
  ['agent', 'agent', 'agent'],
  ['action', 'action', 'action, or the id of an action'],
  ['approval', 'approval', 'id of an approval'],
  ['outcome', 'outcome', 'success, failure, denied, blocked or error'],
  ['decision', 'decision', 'allow, deny or require_approval'],
  ['submitter', 'submitter', 'the principal that sent the event'],
  ['id', 'id', "the event's id"],
];

/** Filters that may be given once. */
const SINGLE: readonly (readonly [option: string, parameter: string, help: string])[] = [
  ['severity', 'severity', 'at least this severity: debug, info, warning, error, critical'],
  ['from', 'from', 'received at this time or later (RFC 3339, a date of UTC, or Unix milliseconds)'],
  ['to', 'to', 'received before this time'],
  ['time-from', 'timeFrom', "happened at this time or later, by the producer's clock"],
  ['time-to', 'timeTo', "happened before this time, by the producer's clock"],
];

/** Adds an option for every filter of a query. */
export function withFilters(command: Command): Command {
  for (const [name, , help] of FILTERS) {
    command.addOption(
      new Option(`--${name} <value>`, help).argParser(collect).helpGroup('Filters (repeat one for several values):'),
    );
  }
  for (const [name, , help] of SINGLE) {
    command.addOption(new Option(`--${name} <value>`, help).helpGroup('Filters (repeat one for several values):'));
  }
  return command;
}

/** The query parameters that the given options stand for. */
export function filtersOf(options: Readonly<Record<string, unknown>>): NonNullable<HttpRequest['query']> {
  const query: Record<string, string | readonly string[]> = {};
  for (const [name, parameter] of FILTERS) {
    const values = options[attributeOf(name)];
    if (Array.isArray(values)) query[parameter] = values.map(String);
  }
  for (const [name, parameter] of SINGLE) {
    const value = options[attributeOf(name)];
    if (typeof value === 'string') query[parameter] = value;
  }
  return query;
}

/** What commander calls an option. */
const attributeOf = (option: string): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
