import { Option } from 'commander';
import { integer } from './shell.ts';

/** Options of the commands that make or start a log, and what their values are for {@link StartSettings}. */
export interface SettingOptions {
  readonly pii?: 'mask' | 'include';
  readonly retention?: number | 'forever';
}

export const piiOption = (): Option =>
  new Option(
    '--pii <what>',
    'mask or include e-mail and IP addresses, in trails that the configuration does not name (default: mask)',
  ).choices(['mask', 'include']);

export const retentionOption = (): Option =>
  new Option(
    '--retention <days>',
    'days that records stay in the database once the archive has them, in trails that the configuration does not name (default: forever)',
  ).argParser(days);

/** As a log takes them: see `lib/followers/expiry/retention.ts`, which loads too much for a command's help. */
const wholeDays = integer('--retention', 3, 36_500);

const days = (text: string): number | 'forever' => (text === 'forever' ? text : wholeDays(text));
