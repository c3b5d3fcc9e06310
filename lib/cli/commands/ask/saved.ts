import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { SealtrailError } from '../../../log/error.ts';
import { replaceFile } from '../../../store/durable-file.ts';
import type { Terminal } from '../../output/terminal.ts';

/** Saved questions by name: the words of a command line, the command first. */
export type SavedQuestions = Readonly<Record<string, readonly string[]>>;

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const fileSchema = z.object({ v: z.literal(1), questions: z.record(z.string(), z.array(z.string())) });

/** For option parsers: the name of a question. @throws `usage` */
export function questionName(text: string): string {
  if (NAME.test(text)) return text;
  throw new SealtrailError(
    'usage',
    `"${text}" cannot name a question: a name has 1 to 63 of a-z, 0-9 and -, the first not -`,
  );
}

/** Where a user's questions are: `sealtrail/questions.json` in the folder for configuration (XDG Base Directory Specification). */
function questionsFile({ env }: Pick<Terminal, 'env'>): string {
  const { XDG_CONFIG_HOME = '', APPDATA = '', HOME = '' } = env;
  const folder = XDG_CONFIG_HOME || APPDATA || (HOME && join(HOME, '.config'));
  if (folder === '')
    throw new SealtrailError('usage', 'there is no place for saved questions: set HOME or XDG_CONFIG_HOME');
  return join(folder, 'sealtrail', 'questions.json');
}

/** @throws `usage` where the file is there and is not one of these */
export async function savedQuestions(terminal: Pick<Terminal, 'env'>): Promise<SavedQuestions> {
  const file = questionsFile(terminal);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new SealtrailError('usage', `cannot read ${file}: ${error.message}`, { cause: error });
  });
  if (text === undefined) return {};
  try {
    return fileSchema.parse(JSON.parse(text)).questions;
  } catch (cause) {
    throw new SealtrailError('usage', `${file} holds no saved questions: mend it, or remove it`, { cause });
  }
}

/** Replaces the file in one step: it is whole at any moment. */
async function write(terminal: Pick<Terminal, 'env'>, questions: SavedQuestions): Promise<void> {
  const file = questionsFile(terminal);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const sorted = Object.fromEntries(Object.entries(questions).sort(([a], [b]) => (a < b ? -1 : 1)));
  await replaceFile(file, Buffer.from(`${JSON.stringify({ v: 1, questions: sorted }, null, 2)}\n`), 0o600);
}

/** Saves a command line under a name, without what said to save it. */
export async function saveQuestion(terminal: Terminal, name: string, args: readonly string[]): Promise<void> {
  const words = args.filter(
    (word, at) => word !== '--save' && args[at - 1] !== '--save' && !word.startsWith('--save='),
  );
  await write(terminal, { ...(await savedQuestions(terminal)), [name]: words });
}

/** @throws `not_found` where there is none */
export async function forgetQuestion(terminal: Terminal, name: string): Promise<void> {
  const { [name]: gone, ...others } = await savedQuestions(terminal);
  if (gone === undefined) throw new SealtrailError('not_found', `there is no saved question ${name}`);
  await write(terminal, others);
}
