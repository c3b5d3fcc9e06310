import { benchAppend } from './append.ts';
import { benchAppendParts } from './append-parts.ts';
import { keepInBaseline } from './baseline.ts';
import { benchClient } from './client.ts';
import { benchContention } from './contention.ts';
import { benchContentionLocal } from './contention-local.ts';
import { benchCost } from './cost.ts';
import { benchExport } from './export.ts';
import { benchHandler } from './handler.ts';
import { benchIndex } from './index.ts';
import { benchLongIndex } from './long-index.ts';
import { benchProof } from './proof.ts';
import { benchQuery } from './query.ts';
import { benchRedaction } from './redaction.ts';
import { compare, type Figure, report } from './report.ts';
import { benchScan } from './scan.ts';
import { benchTrails } from './trails.ts';
import { benchVerify } from './verify.ts';

/**
 * `npm run bench [-- name …]`: measures, prints a table and keeps it as JSON. `--compare` prints the ratios to the committed
 * baseline, `--keep` puts what was measured in there. Nothing here can fail a build: bench/peers/run.ts can.
 */

const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  append: () => benchAppend(),
  'append-parts': () => benchAppendParts(),
  client: () => benchClient(),
  contention: () => benchContention(),
  'contention-local': () => benchContentionLocal(),
  cost: () => benchCost(),
  index: () => benchIndex(),
  'long-index': () => benchLongIndex(),
  proof: () => benchProof(),
  export: () => benchExport(),
  handler: () => benchHandler(),
  query: () => benchQuery(),
  redaction: () => benchRedaction(),
  scan: () => benchScan(),
  trails: () => benchTrails(),
  verify: () => benchVerify(),
};

/** Only by name: they need more than npm installs. */
const ON_REQUEST: ReadonlySet<string> = new Set(['contention-local']);

const OPTIONS = ['--compare', '--keep'];
const words = process.argv.slice(2);
const names = words.filter((word) => !OPTIONS.includes(word));
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(
    `there is no bench ${unknown.join(', ')}: there are ${Object.keys(BENCHES).join(', ')}, and ${OPTIONS.join(', ')}`,
  );
  process.exit(2);
}
const figures: Figure[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (names.length === 0 ? !ON_REQUEST.has(name) : names.includes(name)) figures.push(...(await bench()));
}
await report(figures);
if (words.includes('--compare')) await compare(figures);
if (words.includes('--keep')) {
  await keepInBaseline({ figures: Object.fromEntries(figures.map(({ what, measured }) => [what, measured])) });
}
