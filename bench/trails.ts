import { DAY_MS } from '../lib/contract/time.ts';
import { inVirtualTime } from '../test/simulation/virtual-time.ts';
import { Deployment, until } from './deployment.ts';
import { PRICES } from './prices.ts';
import type { Figure } from './report.ts';

/** Ten thousand trails, a thousand of them busy: how long until everything is under lock, and what the idle ones cost. */

const TRAILS = 10_000;
const BUSY = 1_000;
const SECONDS = 60;
const HALF_MINUTE = 30;

export const benchTrails = async (): Promise<Figure[]> => [await inVirtualTime(busy), await inVirtualTime(atRest)];

/** A part of the trails, since what each costs does not depend on the others. */
const RESTING = { few: 50, many: 200 };
/** Days of a period in which each trail is verified once. */
const DAYS = 7;
const MEMORY_GB = 1;

/** What trails cost to which nothing is appended: a look a day, and a verification a week. */
async function atRest(): Promise<Figure> {
  // What the schedules and the system's own trails cost does not grow with the others.
  const [few, many] = [await weekOf(RESTING.few), await weekOf(RESTING.many)];
  const each = (name: keyof typeof many): number => (many[name] - few[name]) / (RESTING.many - RESTING.few) / DAYS;
  const dollars =
    each('writeUnits') * PRICES.writeUnit +
    each('readUnits') * PRICES.readUnit +
    each('puts') * PRICES.put +
    each('gets') * PRICES.get +
    each('signatures') * PRICES.signature +
    each('gigabyteSeconds') * PRICES.gigabyteSecond;
  const shown = (name: keyof typeof many): number => Math.round(100 * each(name)) / 100;
  return {
    what: `${TRAILS} trails at rest: dollars a month`,
    goal: 'below 1',
    measured: {
      dollars: (dollars * 30 * TRAILS).toFixed(2),
      'a trail and day: read units': shown('readUnits'),
      'write units': shown('writeUnits'),
      'objects put or listed': shown('puts'),
      'objects got': shown('gets'),
      'GB-seconds of functions': shown('gigabyteSeconds'),
    },
  };
}

/** What a week takes with so many trails at rest. */
async function weekOf(trails: number) {
  const deployment = new Deployment();
  const { stores } = deployment;
  stores.takesTime = false;
  for (let n = 0; n < trails; n++) await deployment.append(`trail-${n}`, 1);
  // The first days seal and verify what is there.
  for (let day = 0; day < 3; day++) await aDayLater(deployment);
  stores.takesTime = true;
  stores.taken();
  deployment.ran = { milliseconds: 0, invocations: 0, requests: 0 };
  for (let day = 0; day < DAYS; day++) await aDayLater(deployment);
  return { ...stores.taken(), gigabyteSeconds: (deployment.ran.milliseconds / 1000) * MEMORY_GB };
}

async function aDayLater(deployment: Deployment): Promise<void> {
  await until(performance.now() + DAY_MS);
  await deployment.stream();
  for (let n = 0; n < 3; n++) await deployment.sweep();
  await deployment.verify();
}

async function busy(): Promise<Figure> {
  const deployment = new Deployment();
  const { stores } = deployment;
  const all = Array.from({ length: TRAILS }, (_, n) => `trail-${String(n).padStart(5, '0')}`);
  stores.takesTime = false;
  for (const trail of all) await deployment.append(trail, 1);
  await deployment.stream();
  await deployment.sweep();
  stores.takesTime = true;

  const began = performance.now();
  const busyTrails = all.filter((_, n) => n % (TRAILS / BUSY) === TRAILS / BUSY - 1);
  const sweeps: Promise<void>[] = [];
  for (let second = 0; second < SECONDS; second++) {
    await until(began + second * 1000);
    // Each busy trail gets a record every six seconds; what a batch of the stream brings waits for the one before it.
    const now = busyTrails.filter((_, n) => n % 6 === second % 6);
    await Promise.all(now.map((trail) => deployment.append(trail, 1)));
    await deployment.stream();
    if (second % HALF_MINUTE === 0) sweeps.push(deployment.sweep());
  }
  await until(began + SECONDS * 1000);
  const lastAt = performance.now();
  await deployment.stream();
  await deployment.sweep();
  await Promise.all(sweeps);
  const seconds = Math.round((performance.now() - lastAt) / 100) / 10;
  stores.takesTime = false;
  const archived = await deployment.archived(busyTrails);
  return {
    what: `${TRAILS} trails, ${BUSY} of them with a record every six seconds`,
    goal: 'everything is under lock within 60 s: half a minute until the next sweep, and the sweep',
    measured: { 'the sweep took s': seconds, 'trails under lock': archived, of: BUSY },
  };
}
