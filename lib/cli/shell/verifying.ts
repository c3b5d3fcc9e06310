import { access, constants, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { defined } from '../../base/defined.ts';
import { INDEX_TRAIL } from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import type { IndexReport } from '../../verify/answers/check-runs.ts';
import { parseEarlierReport } from '../../verify/archive/since-report.ts';
import { verifyArchive } from '../../verify/archive/verify-archive.ts';
import type { VerifyOptions } from '../../verify/archive/verify-options.ts';
import { parseMlDsaKeys } from '../../verify/attested/ml-dsa.ts';
import { repeatCommand } from '../../verify/report/command.ts';
import { renderReport } from '../../verify/report/html.ts';
import { exitCodeOf, type Report } from '../../verify/report/report.ts';
import { reportLines } from '../output/report-lines.ts';
import { count, Progress, type Terminal, write, writeLines } from '../output/terminal.ts';
import { archiveWithin, openObjects } from './archive-source.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Shell } from './shell.ts';
import { readBytes, readPolicy, readText, readTrust } from './trust.ts';
import { version } from './version.ts';

/** Options of `sealtrail verify`. */
export interface VerifyCommandOptions {
  readonly key: string;
  readonly trail?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly previous?: readonly string[];
  readonly policy?: string;
  readonly tsaCa?: string;
  readonly mlDsaKey?: string;
  readonly sinceReport?: string;
  readonly logName?: string;
  readonly workers?: number | true;
  readonly report?: string;
  readonly index?: true;
  readonly json?: true;
}

/** Verifies an archive, prints the report and sets the exit code. */
export async function verify(shell: Shell, archive: string, options: VerifyCommandOptions): Promise<void> {
  const { terminal } = shell;
  if (options.index && (options.from !== undefined || options.to !== undefined)) {
    throw new SealtrailError('usage', '--index looks at whole trails: leave out --from and --to');
  }
  if (options.report !== undefined) await assertWritable(options.report);
  const found = await reportOn(terminal, archive, options);
  const again = repeatCommand(found, options);
  const command = options.index ? `${again} --index` : again;
  const report: Report = { ...found, program: { name: 'sealtrail', version: version(), command } };
  const index = options.index && (await indexReport(archive, options, terminal));
  shell.exitCode = worse(exitCodeOf(report), index);
  if (options.json) await write(terminal.stdout, `${JSON.stringify({ ...report, ...(index && { index }) })}\n`);
  else await writeLines(terminal.stdout, [...reportLines(report, terminal.stdout), ...indexLines(index)]);
  if (options.report !== undefined) await writeReport(options.report, report);
}

async function indexReport(
  archive: string,
  { trail }: VerifyCommandOptions,
  { signal }: Terminal,
): Promise<IndexReport> {
  const { checkRuns } = await import('../../verify/answers/check-runs.ts');
  const objects = await openObjects(archive);
  try {
    return await checkRuns(objects, { ...(trail && { trails: trail }), signal });
  } finally {
    await objects.close();
  }
}

/** The exit code with what was found in the index. */
function worse(code: ExitCode, index: IndexReport | undefined): ExitCode {
  if (code !== EXIT.ok || index === undefined) return code;
  return index.doubted.length === 0 ? EXIT.ok : EXIT.wrong;
}

function indexLines(index: IndexReport | undefined): string[] {
  if (index === undefined) return [];
  return [
    `Index: ${count(index.runs)} runs are what their records make them.`,
    ...index.doubted.map(({ trail, from, to, record, isFalse, reason }) => {
      const what = isFalse ? 'false_run' : 'unchecked_run';
      return `  ${what}  the run ${from} to ${to} of trail ${trail}, stated by record ${record} of _index: ${reason}`;
    }),
  ];
}

async function reportOn(terminal: Terminal, archive: string, options: VerifyCommandOptions): Promise<Report> {
  const within = await archiveWithin(archive);
  if (within !== undefined) {
    throw new SealtrailError('usage', `${archive} is the data folder of a server; its archive is ${within}`);
  }
  const objects = await openObjects(archive);
  const progress = new Progress(terminal.stderr);
  try {
    return await verifyArchive(objects, {
      ...(await verifyOptions(archive, options)),
      signal: terminal.signal,
      onProgress: ({ trail, records, totalRecords, problems }) =>
        progress.show(() => {
          const share = totalRecords === 0 ? '' : ` (${Math.floor((100 * records) / totalRecords)} %)`;
          return `${count(records)} of ${count(totalRecords)} records${share} · ${trail} · ${count(problems)} problems`;
        }),
    });
  } finally {
    progress.clear();
    await objects.close();
  }
}

/** The trails to verify. What `_index` states counts only as far as `_index` itself holds. */
function trailsOf({ trail, index }: VerifyCommandOptions): readonly string[] | undefined {
  return trail !== undefined && index ? [...new Set([...trail, INDEX_TRAIL])] : trail;
}

async function verifyOptions(archive: string, options: VerifyCommandOptions): Promise<VerifyOptions> {
  const { from, to, previous = [], logName, sinceReport, policy, tsaCa, mlDsaKey } = options;
  const workers = options.workers === true ? availableParallelism() : (options.workers ?? 1);
  const module = new URL(
    import.meta.url.endsWith('.ts') ? './archive-source.ts' : './archive-source.js',
    import.meta.url,
  );
  return {
    source: archive,
    trust: await readTrust(options.key),
    ...defined({ trails: trailsOf(options) }),
    ...(from === undefined && to === undefined ? {} : { range: { from: from ?? 0, ...defined({ to }) } }),
    ...(previous.length === 0 ? {} : { previous: await Promise.all(previous.map(readKept)) }),
    ...defined({ logName }),
    ...(policy !== undefined && { policy: await readPolicy(policy) }),
    ...(mlDsaKey !== undefined && { mlDsaKeys: parseMlDsaKeys(await readText(mlDsaKey, 'the key file')) }),
    ...(tsaCa !== undefined && { authorities: await readText(tsaCa, 'the certificates') }),
    ...(sinceReport !== undefined && {
      earlier: parseEarlierReport(sinceReport, await readText(sinceReport, 'the report')),
    }),
    ...(workers === 1 ? {} : { workers: { count: workers, module: module.href, args: archive } }),
  };
}

/** Checks that a file can be written before the work, which may take an hour. @throws `usage` */
async function assertWritable(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory()) throw unwritable(file, new Error('it is a folder'));
  await access(there === undefined ? dirname(file) : file, constants.W_OK).catch((cause) => {
    throw unwritable(file, cause);
  });
}

async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, renderReport(report)).catch((cause) => {
    throw unwritable(file, cause);
  });
}

const unwritable = (file: string, cause: unknown): SealtrailError =>
  new SealtrailError('usage', `cannot write ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });

async function readKept(name: string): Promise<{ name: string; note: Uint8Array }> {
  return { name, note: await readBytes(name, 'the checkpoint') };
}
