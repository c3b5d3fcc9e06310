import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBaseline, thisMachine } from './baseline.ts';

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
  const machine = thisMachine();
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${machine.at.replaceAll(':', '')}.json`);
  await writeFile(file, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
  console.log(`kept in ${file}`);
}

/** Prints each value divided by the baseline's, which says little on another machine. */
export async function compare(figures: readonly Figure[]): Promise<void> {
  const { machine, figures: known } = await readBaseline();
  const here = thisMachine();
  console.log(`\nratios to the baseline of ${machine.at}, on ${machine.cores} × ${machine.cpu}, Node ${machine.node}`);
  if (machine.cpu !== here.cpu || machine.cores !== here.cores || machine.node !== here.node) {
    console.log(`this is another machine: ${here.cores} × ${here.cpu}, Node ${here.node}`);
  }
  for (const { what, measured } of figures) {
    const before = known[what];
    if (before === undefined) {
      console.log(`${what}\n  not in the baseline`);
      continue;
    }
    const ratios = Object.entries(measured).flatMap(([name, value]) => {
      const old = before[name];
      return typeof value === 'number' && typeof old === 'number' ? [`${name} ${ratio(value, old)}`] : [];
    });
    console.log(`${what}\n  ${ratios.join(' · ')}`);
  }
}

const ratio = (value: number, old: number): string =>
  old === 0 ? `${value} (was 0)` : `× ${(value / old).toFixed(2)}`;
