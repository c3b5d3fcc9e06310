import type { Argument, Command, Option } from 'commander';
import { CATALOGUE } from '../../contract/catalogue.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../../contract/vocabulary.ts';

/** The values of a place in a command line: one of these words, a file, or anything. */
export type Completed = readonly string[] | 'file' | 'anything';

/** An option of a command. */
export interface CompletedOption {
  /** Its names, such as `--help` and `-h`. */
  readonly names: readonly string[];
  readonly help: string;
  /** Its possible values; undefined: it takes none. */
  readonly value?: Completed;
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** The words that name it, after the program's: empty for the program itself. */
  readonly path: readonly string[];
  readonly help: string;
  readonly options: readonly CompletedOption[];
  /** The words besides options: names of further commands, or arguments. */
  readonly words: Completed;
  readonly commands: readonly CompletedCommand[];
}

/** Values of filters, which the options themselves leave to the API. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--type': CATALOGUE.map(({ name }) => name),
  '--outcome': OUTCOMES,
  '--severity': SEVERITIES,
  '--decision': DECISIONS,
  '--actor-type': ACTOR_TYPES,
};

/** The commands and options of a program, for a shell. */
export function completedCommand(command: Command, path: readonly string[] = []): CompletedCommand {
  const help = command.createHelp();
  const commands = help
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help')
    .map((one) => completedCommand(one, [...path, one.name()]));
  return {
    path,
    help: command.summary() || firstSentence(command.description()),
    options: help.visibleOptions(command).map(completedOption),
    words: commands.length > 0 ? commands.map(({ path }) => path.at(-1) ?? '') : wordsOf(command.registeredArguments),
    commands,
  };
}

/** All commands of a tree, the program itself first. */
export function flat(command: CompletedCommand): CompletedCommand[] {
  return [command, ...command.commands.flatMap(flat)];
}

function completedOption({ short, long, required, optional, argChoices, flags, description }: Option): CompletedOption {
  const names = [long, short].filter((name) => name !== undefined);
  const known = argChoices ?? names.map((name) => VALUES[name]).find((values) => values !== undefined);
  const value = required || optional ? (known ?? kindOf(flags)) : undefined;
  return { names, help: firstSentence(description), ...(value && { value }) };
}

function wordsOf(args: readonly Argument[]): Completed {
  const choices = args.flatMap((argument) => argument.argChoices ?? []);
  if (choices.length > 0) return choices;
  return args.some((argument) => kindOf(argument.name()) === 'file') ? 'file' : 'anything';
}

/** Values that are files are named so: `--key <file>`, `verify <archive>`. */
const kindOf = (name: string): Completed => (/\b(files?|dir|folder|archive)\b/.test(name) ? 'file' : 'anything');

/** Without line feeds, and as short as a list of completions needs it. */
const firstSentence = (text: string): string => (text.split(/\n|(?<=\w)[.;:(] ?/)[0] ?? '').trim();
