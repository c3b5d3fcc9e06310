import type { AuditEvent, EventInput } from './schema.ts';

/** What has to be in it; an event as sent and one as stored both do. */
export type TextEvent = Pick<AuditEvent, 'type'> & Partial<EventInput> & Partial<AuditEvent>;

/**
 * An event as one line of text, for logs that people read and line tools cut: time, severity, type, then `name=value`
 * pairs in a fixed order (`-` where time or severity is unknown). A value that is more than a plain word is written as
 * a JSON string, `details` and `changes` as JSON; so a value can pass neither for another pair nor for another line.
 * Line breaks, other control characters, characters that change the direction of text or do not show, and lone
 * surrogates are escaped as `\uXXXX`.
 *
 * @example
 * textLine({ type: 'auth.login', severity: 'info', time: '2026-01-31T12:00:00Z', actor: { id: 'alice' } });
 * // 2026-01-31T12:00:00Z INFO auth.login actor=alice
 */
export function textLine(event: TextEvent): string {
  const { actor, resource, context } = event;
  const pairs: [string, unknown][] = [
    ['outcome', event.outcome],
    ['decision', event.decision],
    ['action', event.action],
    ['actor', actor?.id],
    ['actor.type', actor?.type],
    ['actor.name', actor?.name],
    ['actor.ip', actor?.ip],
    ['actor.userAgent', actor?.userAgent],
    ['resource', resource?.id],
    ['resource.type', resource?.type],
    ['resource.name', resource?.name],
    ...Object.entries(context ?? {}).map(([name, value]): [string, unknown] => [`context.${name}`, value]),
    ['id', event.id],
    ['description', event.description],
    ['changes', event.changes],
    ['details', event.details],
    ['redacted', event.redacted],
  ];
  const words = [valueText(event.time ?? '-'), (event.severity ?? '-').toUpperCase(), valueText(event.type)];
  for (const [name, value] of pairs) {
    if (value !== undefined) words.push(`${name}=${valueText(value)}`);
  }
  return words.join(' ');
}

/** What needs no quotes: it has no space, no quote, no `=` and nothing that is not plain to see. */
const PLAIN = /^[\w.:@/+*%~,;!?#$^&-]+$/;

/**
 * What may not stand in a line as it is: control, format (direction, zero width) and private characters, lone
 * surrogates, and the separators U+2028 and U+2029, which end a line for some readers.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

function valueText(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  return JSON.stringify(value).replace(UNSAFE, escaped);
}

/** Beyond the first plane it takes two escapes, as in JSON. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }).join('');
}
