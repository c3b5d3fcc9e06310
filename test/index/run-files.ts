import { type DimensionValue, dimensionsOf } from '../../lib/contract/dimensions.ts';
import type { StoredRun } from '../../lib/index/format/run-layout.ts';
import { runKey } from '../../lib/index/format/run-layout.ts';
import { typeGroups } from '../../lib/index/format/term.ts';
import { type RunFile, RunFiles } from '../../lib/index/reader/run-file.ts';
import { RunContent } from '../../lib/index/writer/collect.ts';
import { mergeRuns } from '../../lib/index/writer/merge.ts';
import { RunWriter } from '../../lib/index/writer/run-writer.ts';
import { parseRecord } from '../../lib/log/record.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';

export const TRAIL = 'payments';

/** Records received together, as events with the fields that matter. */
export interface TestBlock {
  readonly first: number;
  readonly receivedAt: number;
  readonly events: readonly object[];
}

const ENVELOPE = { v: 1, trail: TRAIL, prev: '0'.repeat(64), submitter: 'app' };

export const linesOf = ({ first, receivedAt, events }: TestBlock): string[] =>
  events.map((event, n) => JSON.stringify({ ...ENVELOPE, seq: first + n, receivedAt, event }));

/** Writes a run of blocks. */
export async function writeRun(files: MemoryFiles, blocks: readonly TestBlock[]): Promise<StoredRun> {
  const first = blocks[0]?.first ?? 0;
  const content = new RunContent(first);
  for (const block of blocks) content.add({ ...block, lines: linesOf(block) });
  return written(
    files,
    async (writer) => {
      for (const [key, spans] of content.terms()) if (writer.add(key, spans)) await writer.flush();
      return writer.end(content.extras());
    },
    { first, size: content.size },
  );
}

/** Merges runs. */
export async function merge(files: MemoryFiles, runs: readonly StoredRun[]): Promise<StoredRun> {
  const [first = 0, size] = [runs[0]?.first, runs.reduce((sum, run) => sum + run.size, 0)];
  return written(
    files,
    (writer) =>
      mergeRuns(
        runs.map((run) => open(files, run)),
        writer,
      ),
    { first, size },
  );
}

async function written(
  files: MemoryFiles,
  write: (writer: RunWriter) => Promise<StoredRun>,
  run: { readonly first: number; readonly size: number },
): Promise<StoredRun> {
  const file = await files.create('unnamed');
  const stored = await write(new RunWriter({ ...run, name: '0123456789abcdef' }, file));
  await file.finish();
  files.files.set(runKey(TRAIL, stored), files.files.get('unnamed') ?? new Uint8Array(0));
  return stored;
}

export const open = (files: MemoryFiles, run: StoredRun): RunFile => new RunFiles(files).open(TRAIL, run);

/** What a record is filed under, by the definition of dimensions and groups. */
export function termsOf(line: string): DimensionValue[] {
  return dimensionsOf(parseRecord(line)).flatMap(([dimension, value]) => [
    [dimension, value] as const,
    ...(dimension === 'type' ? typeGroups(value).map((group) => [dimension, group] as const) : []),
  ]);
}

/** The records of each term, found by looking at every line. */
export function postingsOf(blocks: readonly TestBlock[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const block of blocks) {
    for (const [n, line] of linesOf(block).entries()) {
      for (const [dimension, value] of termsOf(line)) {
        const term = `${dimension}\0${value}`;
        found.set(term, [...(found.get(term) ?? []), block.first + n]);
      }
    }
  }
  return found;
}

export { MemoryFiles };
