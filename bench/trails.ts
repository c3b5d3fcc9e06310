import { inVirtualTime } from '../test/simulation/virtual-time.ts';
import { Deployment, until } from './deployment.ts';
import type { Figure } from './report.ts';

/** Ten thousand trails, a thousand of them busy: how long until everything is under lock, and what the idle ones cost. */

const TRAILS = 10_000;
const BUSY = 1_000;
const SECONDS = 60;
const HALF_MINUTE = 30;

export const benchTrails = async (): Promise<Figure[]> => [await inVirtualTime(busy)];

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
