import type { Report } from './report.ts';

/** The part of a report that names the request. */
type Asked = Pick<Report, 'source' | 'logName' | 'logNameFrom' | 'scope' | 'previous'>;

/** Files that a verification was given. */
interface GivenFiles {
  readonly key?: string;
  readonly sinceReport?: string | undefined;
  readonly policy?: string | undefined;
  readonly tsaCa?: string | undefined;
  readonly mlDsaKey?: string | undefined;
}

/**
 * The command that repeats a verification, as a POSIX shell takes it.
 *
 * @param files those that it was given: of keys, the earlier report, the policy, and certificates of authorities
 */
export function repeatCommand(
  { source, logName, logNameFrom, scope, previous }: Asked,
  { key = 'KEY.pem', sinceReport, policy, tsaCa, mlDsaKey }: GivenFiles = {},
): string {
  const options: readonly (readonly [string, string | number | undefined])[] = [
    ['--key', key],
    ...(scope?.trails ?? []).map((trail) => ['--trail', trail] as const),
    ['--from', scope?.range?.from],
    ['--to', scope?.range?.to],
    ['--log-name', logNameFrom === 'given' ? logName : undefined],
    ...previous.map(({ name }) => ['--previous', name] as const),
    ['--since-report', sinceReport],
    ['--policy', policy],
    ['--tsa-ca', tsaCa],
    ['--ml-dsa-key', mlDsaKey],
  ];
  const words = options.flatMap(([name, value]) => (value === undefined ? [] : [name, shellWord(String(value))]));
  return ['sealtrail verify', shellWord(source), ...words].join(' ');
}

/** A word as a POSIX shell takes it, whatever is in it. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
