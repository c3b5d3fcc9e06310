import { type Command, Option } from 'commander';
import type * as z from 'zod';
import { isRepeatable } from '../../api/core/parameters.ts';
import { PERIOD } from '../../api/routes/parameters.ts';
import { SELECTION } from '../../api/routes/query-parameters.ts';
import type { HttpRequest } from '../../client/http/http.ts';
import { FILTERS, negationOf } from '../../contract/query.ts';
import { collect, SERVER_OPTIONS } from './shell.ts';

/** Query parameters of the API by name, with their meaning. */
type Parameters = Readonly<Record<string, z.ZodType>>;

/**
 * Other options of the commands with filters. A filter with such a name gets the prefix `event-`, so that a dimension may have
 * any name.
 */
const TAKEN: ReadonlySet<string> = new Set([
  ...SERVER_OPTIONS,
  ...['help', 'json', 'format', 'limit', 'all', 'cursor', 'order', 'unanswered', 'proof', 'key'],
  ...['lines', 'follow', 'output', 'gzip', 'resume', 'columns', 'scan', 'by', 'bucket', 'clock', 'top', 'save'],
]);

/** The option name of a query parameter: `actorType` becomes `actor-type`. */
export function optionOf(parameter: string): string {
  const option = parameter.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return TAKEN.has(option) ? `event-${option}` : option;
}

/** Further names of options: an analyst asks since when, and the API from when. */
const ALSO: Readonly<Record<string, string>> = { from: 'since', to: 'until' };

const CONTRARIES: ReadonlySet<string> = new Set(FILTERS.map((filter) => negationOf(filter)));

const FILTERS_HELP = `
Every filter has a contrary: --not-actor NAME, --not-outcome success, --not-type 'auth.*'.
A * at the beginning or the end of a value stands for any characters: '*@example.com'.
`;

/** Adds an option for every filter of a query, with the help text of the API's description. */
export function withFilters(command: Command, filters: Parameters = SELECTION): Command {
  withOptions(command, filters, 'Filters (repeat one for several values):');
  return command.addHelpText('after', FILTERS_HELP);
}

/** Adds the options for a period by the server's clock. */
export const withPeriod = (command: Command): Command => withOptions(command, PERIOD);

function withOptions(command: Command, parameters: Parameters, group = 'Options:'): Command {
  for (const [name, schema] of Object.entries(parameters)) {
    const also = ALSO[name] === undefined ? '' : `--${ALSO[name]}, `;
    const option = new Option(`${also}--${optionOf(name)} <value>`, schema.description).helpGroup(group);
    // They would double the help: a sentence at its end speaks of all of them.
    if (CONTRARIES.has(name)) option.hideHelp();
    command.addOption(isRepeatable(schema) ? option.argParser(collect) : option);
  }
  return command;
}

/** The query parameters from the given options. */
export function filtersOf(
  options: Readonly<Record<string, unknown>>,
  filters: Parameters = SELECTION,
): NonNullable<HttpRequest['query']> {
  const query: Record<string, string | readonly string[]> = {};
  for (const name of Object.keys(filters)) {
    const value = options[attributeOf(optionOf(name))];
    if (Array.isArray(value)) query[name] = value.map(String);
    if (typeof value === 'string') query[name] = name === 'tz' ? zoneOf(value) : value;
  }
  return query;
}

/** The zone of a word for it: `local` is that of this machine. */
const zoneOf = (name: string): string =>
  name === 'local' ? new Intl.DateTimeFormat().resolvedOptions().timeZone : name;

/** Commander's attribute name of an option. */
const attributeOf = (option: string): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
