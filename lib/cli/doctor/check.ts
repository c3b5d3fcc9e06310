import { defined } from '../../base/defined.ts';
import { SealtrailError } from '../../log/error.ts';
import { adviceOn } from '../shell/exit.ts';

/** What one check came to. `unknown`: it could not be made, for the reason that `message` gives. */
export interface Check {
  /** What was looked at, such as `signing key`. */
  readonly what: string;
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  /** What was seen. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Makes one check; a coded error is its result: a problem with the error's message and advice. */
export async function check(what: string, look: () => Promise<Omit<Check, 'what'>>): Promise<Check> {
  try {
    return { what, ...(await look()) };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return { what, ...problem(error.message, adviceOn(error)) };
  }
}

export const ok = (message: string): Omit<Check, 'what'> => ({ state: 'ok', message });
export const warning = (message: string, advice?: string): Omit<Check, 'what'> => ({
  state: 'warning',
  message,
  ...defined({ advice }),
});
export const problem = (message: string, advice?: string): Omit<Check, 'what'> => ({
  state: 'problem',
  message,
  ...defined({ advice }),
});
export const unknown = (message: string): Omit<Check, 'what'> => ({ state: 'unknown', message });
