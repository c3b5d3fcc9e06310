import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

/** What the benches measured on one machine, committed, so that a change can be held against it. */
export interface Baseline {
  readonly machine: Machine;
  /** By name of the figure, and then of the value. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
  /** By extent (`full` or `budget`) and name of the pair: ours divided by the peer's. */
  readonly peers: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly at: string;
}

const FILE = join(import.meta.dirname, 'baseline.json');

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryBytes: totalmem(),
  node: process.version,
  at: new Date().toISOString(),
});

export async function readBaseline(): Promise<Baseline> {
  return JSON.parse(await readFile(FILE, 'utf8'));
}

/** Replaces the named figures and ratios, and keeps the others. */
export async function keepInBaseline(measured: Partial<Pick<Baseline, 'figures' | 'peers'>>): Promise<void> {
  const { figures, peers } = await readBaseline();
  const baseline: Baseline = {
    machine: thisMachine(),
    figures: { ...figures, ...measured.figures },
    peers: { ...peers, ...measured.peers },
  };
  await writeFile(FILE, `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`kept in ${FILE}`);
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [left, right] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[half]];
  if (left === undefined || right === undefined) throw new RangeError('no values have no median');
  return (left + right) / 2;
}
