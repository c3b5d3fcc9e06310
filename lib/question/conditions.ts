import { SealtrailError } from '../log/error.ts';
import { readPath, type Step, valuesAt } from './paths.ts';
import { fits, patternOf, type ValuePattern } from './patterns.ts';

const OPERATORS = ['!=', '>=', '<=', '=', '>', '<'] as const;
type Operator = (typeof OPERATORS)[number] | 'exists';

/** A condition on what an event holds at a path. */
export interface Condition {
  readonly path: readonly Step[];
  readonly operator: Operator;
  /** The operand: a number, `true`, `false`, `null` or a text. */
  readonly value: number | boolean | string | null;
  /** The value as it was written: a number that a record keeps as text is the same number. */
  readonly written: string;
}

const RULE =
  'must be a path, an operator and a value, such as details.amount>100, details.reason=timeout or details.note exists';

/**
 * Reads a condition. A value that is JSON (`100`, `true`, `null`, `"100"`) is that, any other is a text.
 *
 * @throws `invalid_parameter`, naming the fault
 *
 * @example
 * conditionOf('details.amount > 100'); // { path: ['details', 'amount'], operator: '>', value: 100, written: '100' }
 */
export function conditionOf(text: string): Condition {
  const { steps: path, rest } = readPath(text.trim());
  const tail = rest.trim();
  if (tail === 'exists' && /^\s/.test(rest)) return { path, operator: 'exists', value: null, written: '' };
  const operator = OPERATORS.find((one) => tail.startsWith(one));
  if (operator === undefined) throw new SealtrailError('invalid_parameter', RULE);
  // `==` is how programmers write it.
  const written = tail.slice(operator.length).replace(operator === '=' ? /^=?\s*/ : /^\s*/, '');
  if (written === '') throw new SealtrailError('invalid_parameter', RULE);
  return { path, operator, value: parsedValue(written), written };
}

function parsedValue(written: string): Condition['value'] {
  try {
    const value: unknown = JSON.parse(written);
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  } catch {
    // Then it is a text.
  }
  return written;
}

/** The test of a condition on events. A value of another kind than the one that is compared with never passes. */
export function conditionTest({ path, operator, value, written }: Condition): (event: unknown) => boolean {
  if (operator === 'exists') return (event) => valuesAt(event, path).length > 0;
  const isEqual = equality(value, written);
  if (operator === '=') return (event) => valuesAt(event, path).some(isEqual);
  if (operator === '!=') {
    return (event) => {
      const values = valuesAt(event, path);
      return values.length > 0 && !values.some(isEqual);
    };
  }
  const holds = HOLDS[operator];
  return (event) => valuesAt(event, path).some((found) => holds(comparison(found, value)));
}

/** Of the sign of a comparison; NaN of two kinds, which passes nothing. */
const HOLDS: Readonly<Record<Exclude<Operator, 'exists' | '=' | '!='>, (sign: number) => boolean>> = {
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
};

function equality(value: Condition['value'], written: string): (found: unknown) => boolean {
  if (typeof value === 'string') {
    // A text in quotes is taken as it stands.
    const pattern: ValuePattern = value === written ? patternOf(value) : { kind: 'whole', text: value };
    return (found) => typeof found === 'string' && fits(pattern, found);
  }
  return (found) => found === value || found === written;
}

/** Numbers that a record keeps as text, since a double does not hold them. */
const NUMBER = /^-?\d+(?:\.\d+)?$/;

function comparison(found: unknown, value: Condition['value']): number {
  if (typeof value === 'number') {
    const number = typeof found === 'string' && NUMBER.test(found) ? Number(found) : found;
    return typeof number === 'number' ? number - value : Number.NaN;
  }
  if (typeof value !== 'string' || typeof found !== 'string') return Number.NaN;
  return found < value ? -1 : found > value ? 1 : 0;
}
