import { parseRecord } from '../log/record.ts';

/** The columns of a CSV export, each with where its value stands in a record. */
const COLUMNS: readonly (readonly [name: string, path: readonly string[]])[] = [
  ['seq', ['seq']],
  ['receivedAt', ['receivedAt']],
  ['submitter', ['submitter']],
  ['id', ['event', 'id']],
  ['time', ['event', 'time']],
  ['type', ['event', 'type']],
  ['action', ['event', 'action']],
  ['outcome', ['event', 'outcome']],
  ['severity', ['event', 'severity']],
  ['decision', ['event', 'decision']],
  ['actorId', ['event', 'actor', 'id']],
  ['actorType', ['event', 'actor', 'type']],
  ['actorName', ['event', 'actor', 'name']],
  ['actorIp', ['event', 'actor', 'ip']],
  ['userAgent', ['event', 'actor', 'userAgent']],
  ['resourceType', ['event', 'resource', 'type']],
  ['resourceId', ['event', 'resource', 'id']],
  ['tenant', ['event', 'context', 'tenant']],
  ['project', ['event', 'context', 'project']],
  ['session', ['event', 'context', 'session']],
  ['request', ['event', 'context', 'request']],
  ['correlation', ['event', 'context', 'correlation']],
  ['agent', ['event', 'context', 'agent']],
  ['contextAction', ['event', 'context', 'action']],
  ['approval', ['event', 'context', 'approval']],
  ['description', ['event', 'description']],
  ['changes', ['event', 'changes']],
  ['details', ['event', 'details']],
  ['redacted', ['event', 'redacted']],
];

/** The header row. RFC 4180: rows end in CRLF. */
export const CSV_HEADER = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

/**
 * A record as a row: RFC 4180, times as RFC 3339, objects as JSON. A text that a spreadsheet would run as a formula gets
 * an apostrophe in front (OWASP, "CSV Injection").
 *
 * @param line a record line
 * @throws `malformed_record`
 */
export function csvRow(line: string): string {
  const record = parseRecord(line);
  const cells = COLUMNS.map(([name, path]) => {
    if (name === 'receivedAt') return new Date(record.receivedAt).toISOString();
    return cell(valueAt(record, path));
  });
  return `${cells.join(',')}\r\n`;
}

function valueAt(record: object, path: readonly string[]): unknown {
  let value: unknown = record;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
