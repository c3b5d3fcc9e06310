import type { StoredEvent } from '../contract/event.ts';
import { SealtrailError } from '../log/error.ts';
import { isObject, ownMember } from '../log/json.ts';

/** A step into an event: the name of a member, or the 0-based place of an element. */
export type Step = string | number;

/** The fields of an event, with which every path begins. */
const EVENT_FIELDS = {
  ...{ id: true, type: true, time: true, action: true, outcome: true, severity: true, decision: true },
  ...{ actor: true, resource: true, context: true, changes: true, details: true, description: true },
  ...{ redacted: true, converted: true, producer: true },
} as const satisfies Readonly<Record<keyof StoredEvent, true>>;

/** A name, a place in brackets, or a name in quotes and brackets, as `redacted` writes them. */
const STEP = /\.?([A-Za-z_$][\w$-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;

/**
 * Reads a path from the beginning of a text: `details.items[0].price`, `details["a.b"]`.
 *
 * @returns the path's steps and what follows it
 * @throws `invalid_parameter` where it begins with no field of an event
 */
export function readPath(text: string): { readonly steps: readonly Step[]; readonly rest: string } {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  for (let end = 0; ; end = STEP.lastIndex) {
    const found = end > 0 && text[end] !== '.' && text[end] !== '[' ? null : STEP.exec(text);
    if (found === null) {
      assertField(steps[0]);
      return { steps, rest: text.slice(end) };
    }
    const [, name, place, quoted] = found;
    steps.push(name ?? (place === undefined ? String(JSON.parse(quoted ?? '""')) : Number(place)));
  }
}

function assertField(first: Step | undefined): void {
  if (typeof first === 'string' && Object.hasOwn(EVENT_FIELDS, first)) return;
  const names = Object.keys(EVENT_FIELDS).join(', ');
  throw new SealtrailError('invalid_parameter', `begins with a field of an event, such as details.amount: ${names}`);
}

/** The values of an event at a path; of a list on the way every element, and of one at its end it and its elements. */
export function valuesAt(event: unknown, steps: readonly Step[], at = 0): unknown[] {
  const step = steps[at];
  if (step === undefined) return Array.isArray(event) ? [event, ...event] : event === undefined ? [] : [event];
  if (Array.isArray(event)) {
    if (typeof step === 'number') return valuesAt(event[step], steps, at + 1);
    return event.flatMap((element: unknown) => valuesAt(element, steps, at));
  }
  return typeof step === 'string' && isObject(event) ? valuesAt(ownMember(event, step), steps, at + 1) : [];
}
