import { type Command, Option } from 'commander';
import type { HttpRequest } from '../../client/http/http.ts';
import { DIMENSIONS, type Dimension } from '../../contract/dimensions.ts';
import { FILTER_HELP } from '../../contract/query.ts';
import { collect, type ServerOptions } from './shell.ts';

/** Filters that may be given several times. `severity` is given once: it stands for itself and all above. */
const REPEATED = DIMENSIONS.filter((dimension) => dimension !== 'severity');
/** Filters that may be given once. */
const SINGLE = [
  'severity',
  'from',
  'to',
  'timeFrom',
  'timeTo',
] as const satisfies readonly (keyof typeof FILTER_HELP)[];

/** Options of the filters whose own names the shell uses already: the compiler asks for each. */
const RENAMED: Readonly<Record<Extract<Dimension, keyof ServerOptions>, string>> = {};
const RENAMED_TO: ReadonlyMap<string, string> = new Map(Object.entries(RENAMED));

const GROUP = 'Filters (repeat one for several values):';

/** Adds an option for every filter of a query. */
export function withFilters(command: Command): Command {
  const option = (name: keyof typeof FILTER_HELP): Option =>
    new Option(`--${optionOf(name)} <value>`, FILTER_HELP[name]).helpGroup(GROUP);
  for (const name of REPEATED) command.addOption(option(name).argParser(collect));
  for (const name of SINGLE) command.addOption(option(name));
  return command;
}

/** The query parameters of the options that were given. */
export function filtersOf(options: Readonly<Record<string, unknown>>): NonNullable<HttpRequest['query']> {
  const query: Record<string, string | readonly string[]> = {};
  for (const name of REPEATED) {
    const values = options[attributeOf(name)];
    if (Array.isArray(values)) query[name] = values.map(String);
  }
  for (const name of SINGLE) {
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
