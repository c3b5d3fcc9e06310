import { isObject, parseJson } from '../../log/json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One line for people. Text of the event cannot begin another one, or colour the terminal. */
export function textLine(json: string, severity: string): string {
  const event = parseJson(json) as Fields; // an event, as it was prepared
  const rest = [part('resource', id(event.resource)), part('description', event.description)];
  const end = [part('details', event.details), part('id', event.id)];
  return `${String(event.time)} ${severity.toUpperCase()} ${inShort(event)}${[...rest, ...end].join('')}`;
}

/** One line on an event, its actor and its outcome: `auth.login outcome=denied actor=alice action=sign-in`. */
export function inShort(event: Fields): string {
  const parts = [part('outcome', event.outcome), part('actor', id(event.actor)), part('action', event.action)];
  return `${String(event.type)}${parts.join('')}`;
}

const part = (label: string, value: unknown): string => (value === undefined ? '' : ` ${label}=${quoted(value)}`);
const id = (of: unknown): unknown => (isObject(of) ? of.id : undefined);

function quoted(value: unknown): string {
  const text = typeof value === 'string' && /^[\w.:@/+-]+$/.test(value) ? value : JSON.stringify(value);
  return text.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
