import type { Severity } from '../../contract/vocabulary.ts';
import { parseJson } from '../../log/json.ts';
import type { PreparedEvent } from '../event/event.ts';
import { inShort } from '../event/text-line.ts';

/** Where events are mirrored to: `console`, a pino or a winston logger, or anything else with some of these methods. */
export type Mirror = Readonly<
  Partial<Record<'debug' | 'info' | 'warn' | 'warning' | 'error', (...args: never[]) => unknown>>
>;

/** The methods for a severity, the first that is there. */
const METHODS: Readonly<Record<Severity, readonly (keyof Mirror)[]>> = {
  debug: ['debug'],
  info: ['info'],
  warning: ['warn', 'warning'],
  error: ['error'],
  critical: ['error'],
};

/** Writes an event to the ordinary log. Throws what that throws. */
export function mirrorEvent(mirror: Mirror, event: PreparedEvent): void {
  const write: unknown = METHODS[event.severity].map((name) => mirror[name]).find((method) => method !== undefined);
  if (typeof write !== 'function') return;
  const fields = parseJson(event.json) as Readonly<Record<string, unknown>>; // an event, as it was prepared
  const both = [`audit ${inShort(fields)}`, fields];
  // Pino, which `bindings` gives away, takes what follows a text for the values of its placeholders.
  Reflect.apply(write, mirror, 'bindings' in mirror ? both.reverse() : both);
}
