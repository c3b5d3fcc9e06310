import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

/** One measurement, beside the goal it is held against. */
export interface Figure {
  readonly what: string;
  readonly goal: string;
  readonly measured: Readonly<Record<string, number | string>>;
}

/** Prints figures as a table and keeps them as JSON under bench/results. */
export async function report(figures: readonly Figure[]): Promise<void> {
  for (const { what, goal, measured } of figures) {
    const values = Object.entries(measured).map(([name, value]) => `${name} ${value.toLocaleString('en-US')}`);
    console.log(`${what}\n  ${values.join(' · ')}\n  goal: ${goal}`);
  }
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    at: new Date().toISOString(),
  };
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${machine.at.replaceAll(':', '')}.json`);
  await writeFile(file, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
  console.log(`kept in ${file}`);
}
