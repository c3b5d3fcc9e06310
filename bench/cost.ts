import type { Policy } from '../lib/log/policy.ts';
import { inVirtualTime } from '../test/simulation/virtual-time.ts';
import { dollars, keepUsage, type MonthlyUsage, sumOf } from './cost-table.ts';
import { Deployment, until } from './deployment.ts';
import { PRICES } from './prices.ts';
import type { Figure } from './report.ts';
import { BenchWitnesses } from './witnesses.ts';

/**
 * Dollars a month of deployments, by the calls that the real functions make: an excerpt of each runs in virtual time, and is
 * scaled to a month of 30 days.
 */

/** A deployment of a profile. */
interface Profile {
  readonly what: string;
  readonly trails: number;
  /** Appends to each trail in an hour, and the events of each. */
  readonly requestsPerHour: number;
  readonly events: number;
  /** How many of the trails are run, and for how many hours. */
  readonly excerpt: { readonly trails: number; readonly hours: number };
}

const PROFILES: readonly [Profile, ...Profile[]] = [
  {
    what: 'idle: 10 quiet trails',
    ...{ trails: 10, requestsPerHour: 0, events: 0 },
    excerpt: { trails: 10, hours: 1 },
  },
  {
    what: 'a million events a day, 100 at once, 10 trails',
    ...{ trails: 10, requestsPerHour: 1000 / 24, events: 100 },
    excerpt: { trails: 2, hours: 4 },
  },
  {
    what: 'ten million events a day, one at a time, 1,000 trails',
    ...{ trails: 1000, requestsPerHour: 10_000 / 24, events: 1 },
    excerpt: { trails: 4, hours: 1 },
  },
];

const HOUR_S = 3600;
const MONTH_HOURS = 720;
const SWEEP_S = 30;
/** Memory of the functions, GB. */
const MEMORY = 1;
export async function benchCost(): Promise<Figure[]> {
  const [idle, ...busy] = PROFILES;
  // What the schedules cost by themselves does not grow with the trails of an excerpt.
  const base = await inVirtualTime(() => hourOf(idle));
  const usage = [usageOf(idle, scaled(base, MONTH_HOURS))];
  for (const profile of busy) {
    const hour = await inVirtualTime(() => hourOf(profile));
    const ofTrails = scaled(hour, profile.trails / profile.excerpt.trails, base);
    usage.push(usageOf(profile, scaled(ofTrails, MONTH_HOURS)));
  }
  keepUsage(usage);
  return [...usage.map(figure), ...(await witnessFigures())];
}

/** Every trail is run: what the trail of heads costs grows with the sweeps, not with the trails. */
const WITNESSED: readonly Profile[] = [
  {
    what: '10 trails with a million events a day, 100 at once',
    ...{ trails: 10, requestsPerHour: 1000 / 24, events: 100 },
    excerpt: { trails: 10, hours: 1 },
  },
  {
    what: '1,000 trails with one event a day each',
    ...{ trails: 1000, requestsPerHour: 1 / 24, events: 1 },
    excerpt: { trails: 1000, hours: 1 },
  },
];

/** What three witnesses cost beside the rest: the heads, their signatures and objects, and the time that answers take. */
async function witnessFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const profile of WITNESSED) {
    const without = scaled(await inVirtualTime(() => hourOf(profile)), MONTH_HOURS);
    const witnesses = await BenchWitnesses.stand();
    const hour = await witnesses.during(() => inVirtualTime(() => hourOf(profile, witnesses.policy)));
    const [before, after] = [without, scaled(hour, MONTH_HOURS)].map((used) => dollars(usageOf(profile, used)));
    // What a deployment pays for itself is in both.
    const more = Object.entries(after ?? {})
      .map(([name, value]) => [name, value - (before?.[name] ?? 0)] as const)
      .filter(([, value]) => value !== 0);
    const sum = more.reduce((total, [, value]) => total + value, PRICES.alarm + PRICES.metric);
    const measured = [...more, ['in all, with alarm and metric', sum] as const];
    figures.push({
      what: `witnesses of ${profile.what}: dollars a month more`,
      goal: 'known; a few dollars',
      measured: Object.fromEntries(measured.map(([name, value]) => [name, value.toFixed(2)])),
    });
  }
  return figures;
}

/** What the stores and functions were used for since the last time. */
function taken(deployment: Deployment) {
  const { stores, ran } = deployment;
  deployment.ran = { milliseconds: 0, invocations: 0, requests: 0 };
  return { ...stores.taken(), ...ran };
}
type Taken = ReturnType<typeof taken>;

/** What an hour of a profile's excerpt takes. */
async function hourOf({ requestsPerHour, events, excerpt }: Profile, policy?: Policy): Promise<Taken> {
  const deployment = new Deployment(policy);
  const names = Array.from({ length: excerpt.trails }, (_, n) => `trail-${n}`);
  // Not part of it: the first records and seals, and the day's passes.
  for (const trail of names) await deployment.append(trail, Math.max(1, events));
  await deployment.stream();
  for (let n = 0; n < 3; n++) await deployment.sweep();
  await deployment.verify();
  taken(deployment);
  const began = performance.now();
  let owed = 0;
  for (let second = 1; second <= excerpt.hours * HOUR_S; second++) {
    await until(began + second * 1000);
    owed += (requestsPerHour * names.length) / HOUR_S;
    for (; owed >= 1; owed -= 1) await deployment.append(names[second % names.length] ?? '', events);
    await deployment.stream();
    if (second % SWEEP_S === 0) await deployment.sweep();
    if (second % HOUR_S === 0) await deployment.verify();
  }
  return scaled(taken(deployment), 1 / excerpt.hours);
}

/** So many times what was used; of what goes beyond `base`, where it is given, and `base` once. */
function scaled(used: Taken, times: number, base?: Taken): Taken {
  const of = (name: keyof Taken): number => (base?.[name] ?? 0) + (used[name] - (base?.[name] ?? 0)) * times;
  return {
    writeUnits: of('writeUnits'),
    readUnits: of('readUnits'),
    puts: of('puts'),
    gets: of('gets'),
    signatures: of('signatures'),
    milliseconds: of('milliseconds'),
    invocations: of('invocations'),
    requests: of('requests'),
  };
}

function usageOf({ what }: Profile, { milliseconds, ...month }: Taken): MonthlyUsage {
  return { what, ...month, gigabyteSeconds: (milliseconds / 1000) * MEMORY };
}

function figure(used: MonthlyUsage): Figure {
  const measured = Object.entries({ ...dollars(used), 'in all': sumOf(used) });
  return {
    what: `${used.what}: dollars a month, without storage and logs`,
    goal: 'known: prices of bench/prices.ts, the index as it is in the first hours; kept in bench/cost-usage.json and docs/costs.md',
    measured: Object.fromEntries(measured.map(([name, value]) => [name, value.toFixed(2)])),
  };
}
