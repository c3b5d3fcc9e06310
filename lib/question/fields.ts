import { DIMENSIONS, dimensionsOf } from '../contract/dimensions.ts';
import { type ClockName, UNITS, type Unit } from '../contract/summary.ts';
import { timeMillis } from '../contract/time.ts';
import { SealtrailError } from '../log/error.ts';
import type { SealedRecord } from '../log/record.ts';
import { readPath, valuesAt } from './paths.ts';
import { startOf, UTC } from './zones.ts';

/** True if a field is a unit of time. */
export const isUnit = (name: string): boolean => unitOf(name) !== undefined;

const unitOf = (name: string): Unit | undefined => UNITS.find((unit) => unit === name);

/** The time zone and clock by which units of time are counted. */
export interface TimeView {
  /** @default received */
  readonly clock?: ClockName | undefined;
  /** @default UTC */
  readonly zone?: string | undefined;
}

/** The values that a record has in a field, as text. */
export type FieldReader = (record: SealedRecord) => readonly string[];

/** When a record was received, or its event happened, in Unix milliseconds; undefined for an event without a time of its own. */
export function timeOf({ receivedAt, event }: SealedRecord, clock: ClockName = 'received'): number | undefined {
  if (clock === 'received') return receivedAt;
  return typeof event.time === 'string' ? timeMillis(event.time) : undefined;
}

/**
 * Reads a field to count by: a dimension, a unit of time, or the path of any field such as `details.reason`.
 *
 * @throws `invalid_parameter` for anything else
 */
export function fieldReader(name: string, { clock, zone = UTC }: TimeView = {}): FieldReader {
  const unit = unitOf(name);
  if (unit !== undefined) {
    return (record) => {
      const time = timeOf(record, clock);
      return time === undefined ? [] : [new Date(startOf(unit, zone, time)).toISOString()];
    };
  }
  const dimension = DIMENSIONS.find((one) => one === name);
  if (dimension !== undefined) {
    return (record) => dimensionsOf(record).flatMap(([of, value]) => (of === dimension ? [value] : []));
  }
  const steps = pathOf(name);
  return ({ event }) => [...new Set(valuesAt(event, steps).flatMap(textOf))];
}

/**
 * Reads a field to show: as {@link fieldReader}, and objects and lists as JSON.
 *
 * @throws `invalid_parameter` for anything but a field
 */
export function shownField(name: string): (record: SealedRecord) => string {
  if (isUnit(name) || DIMENSIONS.some((one) => one === name)) {
    const read = fieldReader(name);
    return (record) => read(record).join(', ');
  }
  const steps = pathOf(name);
  return ({ event }) => {
    const values = valuesAt(event, steps);
    // Of a list at the end of the path the elements are listed too.
    const shown = Array.isArray(values[0]) ? values.slice(0, 1) : values;
    return shown.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
  };
}

function pathOf(name: string): ReturnType<typeof readPath>['steps'] {
  try {
    const { steps, rest } = readPath(name);
    if (rest === '') return steps;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
  }
  throw new SealtrailError(
    'invalid_parameter',
    `takes ${UNITS.join(', ')}, a filter such as tenant, or a path such as details.reason, not "${name.slice(0, 64)}"`,
  );
}

/** A plain value as text; none of an object or a list, whose members have paths of their own. */
function textOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? [] : [String(value)];
}
