import { defined } from '../../base/defined.ts';
import { SealtrailError } from '../../log/error.ts';
import { adviceOn } from '../shell/exit.ts';

/** The result of one check. `unknown`: it could not be made, for the reason that `message` gives. */
export interface Check {
  /** The thing checked, such as `signing key`. */
  readonly what: string;
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  /** The observation. */
  readonly message: string;
  /** The remedy. */
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
