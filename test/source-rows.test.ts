import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/**
 * Every row of what the four audit loggers do that Sealtrail takes over from, with the test that shows it: a row whose test is gone
 * or renamed is missed here. `sinks`: asked of the API, a file and memory alike.
 */
interface Row {
  readonly row: string;
  readonly file: string;
  /** A part of a test's title, as it stands there. */
  readonly test: string;
  readonly sinks?: true;
}

const SOURCES = 'event/source-systems.test.ts';
const ROWS = 'client/source-rows.test.ts';

const LIST: readonly Row[] = [
  {
    row: 'vocabulary: names of all four, with severity and category, and as aliases',
    file: SOURCES,
    test: '%s is taken, as %s',
  },
  { row: 'fields: id, time, type, action, outcome', file: SOURCES, test: 'is kept: id, time, type, action, outcome' },
  { row: 'fields: severity, by type', file: SOURCES, test: 'severity: debug to critical, by type unless it is given' },
  { row: 'fields: actor', file: SOURCES, test: 'actor: id, type, name, ip, user agent' },
  {
    row: 'fields: resource to details',
    file: SOURCES,
    test: 'resource, context, decision, changes, description, details',
  },
  {
    row: 'fields, where they are kept',
    file: ROWS,
    test: 'fields: the time of the producer and of the log are kept apart',
    sinks: true,
  },
  { row: 'redaction by key name, on the server', file: SOURCES, test: 'is configurable' },
  {
    row: 'redaction by key name',
    file: ROWS,
    test: 'redaction by key name, nested, in details, lists and changes',
    sinks: true,
  },
  { row: 'masking of e-mail and IP addresses', file: SOURCES, test: 'is done unless PII is included' },
  {
    row: 'masking, where it is kept',
    file: ROWS,
    test: 'masking of e-mail addresses and addresses of the net',
    sinks: true,
  },
  {
    row: 'reads find masked actors, and say so',
    file: ROWS,
    test: 'what is said of someone by a masked address says so',
    sinks: true,
  },
  {
    row: 'tamper evidence: every byte of every record',
    file: 'verify/archive/edits.test.ts',
    test: 'never leaves the verdict ok',
  },
  {
    row: 'integrity check: totals and problems',
    file: ROWS,
    test: 'integrity check: totals and a list of problems',
    sinks: true,
  },
  {
    row: 'buffer: nothing is dropped silently',
    file: 'client/sinks/api-sink.test.ts',
    test: 'a full buffer blocks, throws or drops, by choice, and a drop is recorded',
  },
  {
    row: 'stop with final flush',
    file: 'client/sinks/api-sink.test.ts',
    test: '%s waits for what an earlier process left, too',
  },
  {
    row: 'handlers, filters, mirror',
    file: ROWS,
    test: 'handlers, of which a failing one hurts nothing; filters that reject; a mirror',
  },
  { row: 'text line and JSON line', file: ROWS, test: 'text line and JSON line per event' },
  {
    row: 'storage: file with rotation',
    file: 'client/sinks/file-sink.test.ts',
    test: 'begins a new file with each period',
  },
  { row: 'convenience calls', file: ROWS, test: 'convenience calls: auth, data and security', sinks: true },
  { row: 'an audited API client', file: ROWS, test: 'an audited API client: submit, success, rate limit and failure' },
  {
    row: 'one shared logger, and on or off',
    file: ROWS,
    test: 'one shared logger per process; shut down and reset for tests',
  },
  { row: 'query by every field', file: ROWS, test: 'query by %s (S1 to S4)', sinks: true },
  { row: 'query: order', file: ROWS, test: 'query: newest first, or oldest first', sinks: true },
  {
    row: 'query: deep pages cost the same',
    file: 'query/queries.test.ts',
    test: 'reads little of a long trail, wherever the page is',
  },
  { row: 'query: absence is said', file: ROWS, test: 'query: nothing found by %s says so', sinks: true },
  { row: 'recent events', file: ROWS, test: 'recent events, also by type and time', sinks: true },
  {
    row: 'activity of one actor',
    file: ROWS,
    test: 'activity of one actor over days: totals, types, outcomes, the last',
    sinks: true,
  },
  {
    row: 'action history of an agent',
    file: ROWS,
    test: 'action history of an agent: its actions, and all of it on request',
    sinks: true,
  },
  {
    row: 'summary over a period, exact',
    file: ROWS,
    test: 'summary over a period: totals by type, outcome, severity, exact',
    sinks: true,
  },
  {
    row: 'export, by time and types, to a file',
    file: ROWS,
    test: 'export as %s, by time and types, to a file',
    sinks: true,
  },
  {
    row: 'export: what the manifest says',
    file: ROWS,
    test: 'export: its manifest says by number, severity and mask',
    sinks: true,
  },
  {
    row: 'export: CSV per RFC 4180, safe in a spreadsheet',
    file: 'question/csv.test.ts',
    test: 'gives back any text, quotes, commas and line ends included',
  },
  { row: 'export: OCSF', file: 'export/formats/encoders.test.ts', test: 'of OCSF gives an event on each line' },
  {
    row: 'export: Parquet',
    file: 'export/formats/encoders.test.ts',
    test: 'has a typed column for everything that CSV has',
  },
  {
    row: 'retention in days, of a log',
    file: 'server/retention.test.ts',
    test: 'removes what has had its days and answers it from the archive',
  },
  { row: 'retention in days, of files', file: 'client/sinks/file-sink.test.ts', test: 'source row: retention in days' },
  {
    row: 'indexes on user, customer and type with time',
    file: 'query/completeness.test.ts',
    test: 'newest first, of the trail as it was when the first page was read',
  },
  { row: 'compliance: each demand has its test', file: 'compliance.test.ts', test: 'names only tests that exist' },
];

it.each(LIST)('$row: has its test', ({ file, test, sinks }) => {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  const at = text.indexOf(test);
  expect(at, `${file} has a test "${test}"`).toBeGreaterThan(-1);
  // Within the description that is run for each of the three.
  if (sinks) expect(text.slice(0, at)).toContain('describe.each(STORES)');
  if (sinks) expect(text.slice(0, at)).not.toContain("describe('whatever it is kept in'");
});
