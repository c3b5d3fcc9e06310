import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Files } from '../../store/ports.ts';
import { NAME_BYTES, runKey, type StoredRun } from '../format/run-layout.ts';
import { mergedRun, type Run } from '../format/runs.ts';
import type { RunFiles } from '../reader/run-file.ts';
import type { RunContent } from './collect.ts';
import { mergeRuns } from './merge.ts';
import { RunWriter } from './run-writer.ts';

/** Terms between yields to the event loop. */
const TURN = 2000;

/** Writes the file of a run from its records. */
export function writeRun(files: Files, trail: string, run: Run, content: RunContent): Promise<StoredRun> {
  return writtenFile(files, trail, run, async (writer) => {
    let terms = 0;
    for (const [key, spans] of content.terms()) {
      if (writer.add(key, spans)) await writer.flush();
      if (++terms % TURN === 0) await turn();
    }
    return writer.end(content.extras());
  });
}

/** Writes the file of the run that consecutive runs merge into. */
export function writeMerged(
  files: Files,
  readers: RunFiles,
  trail: string,
  parts: readonly StoredRun[],
): Promise<StoredRun> {
  const opened = parts.map((part) => readers.open(trail, part));
  return writtenFile(files, trail, mergedRun(parts), (writer) => mergeRuns(opened, writer));
}

async function writtenFile(
  files: Files,
  trail: string,
  run: Run,
  write: (writer: RunWriter) => Promise<StoredRun>,
): Promise<StoredRun> {
  const named = { ...run, name: randomBytes(NAME_BYTES).toString('hex') };
  const file = await files.create(runKey(trail, named));
  try {
    const stored = await write(new RunWriter(named, file));
    await file.finish();
    return stored;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
