import { SealtrailError } from '../../log/error.ts';

/** The rule of an option: one of these words, or a whole number from the first to the second. */
type Rule = readonly string[] | { readonly from: number; readonly to?: number };

/** The longest time that a timer of Node can wait, in milliseconds. */
export const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/**
 * Looks at options before anything is done with them: a slip of the pen must not count as the default.
 *
 * @throws `usage`, with the option as `field`
 */
export function assertOptions<T extends object>(
  options: T,
  rules: Readonly<Partial<Record<keyof T & string, Rule>>>,
): void {
  for (const [name, rule] of Object.entries<Rule | undefined>(rules)) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && rule !== undefined) assertOption(name, value, rule);
  }
}

/**
 * Refuses options that there are not: one with a slip of the pen would have no effect.
 *
 * @param known every option there is
 * @param where the options stand, as errors name it
 * @throws `usage`, with the option as `field`
 */
export function assertKnown<T extends object>(
  options: T,
  known: Readonly<Record<keyof T & string, boolean>>,
  where = '',
): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const field = `${where}${name}`;
    const message = `there is no option ${field}: there are ${Object.keys(known).join(', ')}`;
    throw new SealtrailError('usage', message, { field });
  }
}

function assertOption(name: string, value: unknown, rule: Rule): void {
  let due: string;
  if ('from' in rule) {
    const { from, to = Number.MAX_SAFE_INTEGER } = rule;
    if (Number.isSafeInteger(value) && Number(value) >= from && Number(value) <= to) return;
    due = `a whole number from ${from} to ${to}`;
  } else {
    if (rule.some((word) => word === value)) return;
    due = `one of ${rule.join(', ')}`;
  }
  throw new SealtrailError('usage', `${name} must be ${due}, not ${String(value)}`, { field: name });
}
