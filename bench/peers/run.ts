import { keepInBaseline, median, readBaseline } from '../baseline.ts';
import { type Extent, type Pair, type Round, withPairs } from './pairs.ts';

/**
 * `npm run bench:peers`: our parts beside PostgreSQL and Tessera's fsck, interleaved, so that both meet the same machine; what
 * counts is the median of the rounds' ratios. `--keep` puts them into the committed baseline.
 *
 * `npm run bench:budget` measures less, and fails if a ratio is 30 % worse than the baseline's. A pair that seems worse is
 * measured once more before it fails, and the better of the two counts: a slow change is slow both times, noise seldom is.
 */

const ROUNDS = 3;
const WORSE = 1.3;
const EXTENTS: Readonly<Record<'full' | 'budget', Extent>> = {
  full: { seconds: 8, records: 1_000_000 },
  budget: { seconds: 2, records: 200_000 },
};

const words = process.argv.slice(2);
const unknown = words.filter((word) => !['--budget', '--keep'].includes(word));
if (unknown.length > 0) {
  console.error(`there is no option ${unknown.join(', ')}: there are --budget and --keep`);
  process.exit(2);
}
const extent = words.includes('--budget') ? 'budget' : 'full';

/** @returns by pair, ours divided by the peer's */
async function measure(pairs: readonly Pair[]): Promise<Map<string, number>> {
  const rounds = new Map<Pair, Round[]>(pairs.map((pair) => [pair, []]));
  for (let n = 0; n < ROUNDS; n++) for (const pair of pairs) rounds.get(pair)?.push(await pair.round());
  return new Map(pairs.map((pair) => [pair.name, show(pair, rounds.get(pair) ?? [])]));
}

function show({ name, unit }: Pair, rounds: readonly Round[]): number {
  const ratio = median(rounds.map(({ ours, peer }) => ours / peer));
  const shown = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  const of = (pick: (round: Round) => number): string => shown(median(rounds.map(pick)));
  console.log(`${name}: × ${ratio.toFixed(2)}`);
  console.log(`  ours ${of(({ ours }) => ours)} ${unit}, its ${of(({ peer }) => peer)} ${unit}`);
  const [first] = rounds;
  const also = Object.keys(first?.also ?? {}).map((key) => `${key} ${of((round) => round.also[key] ?? Number.NaN)}`);
  console.log(`  ${also.join(' · ')}`);
  return ratio;
}

/** How many times worse a ratio is than the baseline's. */
function worsening({ name, more }: Pair, ratio: number, baseline: Readonly<Record<string, number>>): number {
  const kept = baseline[name];
  if (kept === undefined) throw new Error(`the baseline has no ratio for ${name}: npm run bench:${extent} -- --keep`);
  return more ? kept / ratio : ratio / kept;
}

async function overBudget(pairs: readonly Pair[]): Promise<string[]> {
  const baseline = (await readBaseline()).peers[extent] ?? {};
  const isOver = (ratios: ReadonlyMap<string, number>) => (pair: Pair) =>
    worsening(pair, ratios.get(pair.name) ?? Number.NaN, baseline) > WORSE;
  const suspects = pairs.filter(isOver(await measure(pairs)));
  if (suspects.length === 0) return [];
  console.log(`once more: ${suspects.map(({ name }) => name).join('; ')}`);
  return suspects.filter(isOver(await measure(suspects))).map(({ name }) => `${name}: was × ${baseline[name]}`);
}

await withPairs(EXTENTS[extent], async (pairs) => {
  if (extent === 'full' || words.includes('--keep')) {
    const ratios = await measure(pairs);
    const rounded = [...ratios].map(([name, ratio]) => [name, Number(ratio.toFixed(3))]);
    if (words.includes('--keep')) await keepInBaseline({ peers: { [extent]: Object.fromEntries(rounded) } });
    return;
  }
  const over = await overBudget(pairs);
  for (const each of over)
    console.error(`more than ${Math.round((WORSE - 1) * 100)} % worse than the baseline: ${each}`);
  if (over.length > 0) process.exitCode = 1;
});
