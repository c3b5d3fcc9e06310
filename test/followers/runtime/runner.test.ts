import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Follower, RunOptions } from '../../../lib/followers/runtime/follower.ts';
import { Runner, type RunnerErrorSource, type RunnerOptions } from '../../../lib/followers/runtime/runner.ts';
import { systemTimers } from '../../../lib/followers/runtime/timers.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { ManualTimers } from './manual-timers.ts';

/** A follower whose visits a test watches, and holds up or fails as it likes. */
class Probe implements Follower {
  readonly name: string;
  readonly visits: { readonly trail: string; readonly at: number }[] = [];
  running = 0;
  mostAtOnce = 0;
  /** What each visit does. */
  work: (trail: string, options: RunOptions) => Promise<void> = async () => undefined;
  wishes = new Map<string, number>();
  readonly #timers: ManualTimers;

  constructor(timers: ManualTimers, name = 'probe') {
    this.#timers = timers;
    this.name = name;
  }

  async run(trail: string, options: RunOptions = {}): Promise<void> {
    this.visits.push({ trail, at: this.#timers.now() });
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    try {
      await this.work(trail, options);
    } finally {
      this.running -= 1;
    }
  }

  revisit(trail: string): number | undefined {
    return this.wishes.get(trail);
  }

  get trails(): string[] {
    return this.visits.map(({ trail }) => trail);
  }

  get times(): number[] {
    return this.visits.map(({ at }) => at);
  }
}

function setUp(options: Partial<RunnerOptions> & { names?: string[]; trailNames?: string[] } = {}) {
  const timers = new ManualTimers();
  const probes = (options.names ?? ['probe']).map((name) => new Probe(timers, name));
  const errors: { error: unknown; source: RunnerErrorSource }[] = [];
  const runner = new Runner({
    followers: probes,
    trails: async function* () {
      yield* options.trailNames ?? [];
    },
    onError: (error, source) => void errors.push({ error, source }),
    timers,
    random: () => 1,
    ...options,
  });
  const [probe = new Probe(timers)] = probes;
  return { timers, probes, probe, errors, runner };
}

/** Something that happens when the test says so. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('a runner', () => {
  it('visits a trail with every follower as soon as it is woken', async () => {
    const { runner, probes } = setUp({ names: ['sealer', 'archiver'] });
    runner.wake('orders');
    await runner.idle();
    expect(probes.map(({ trails }) => trails)).toEqual([['orders'], ['orders']]);
  });

  it('sweeps over all trails at the start, and again some time after each sweep', async () => {
    const { runner, probe, timers } = setUp({ trailNames: ['a', 'b'], sweepMs: 1000 });
    runner.start();
    runner.start();
    await timers.advance(2500);
    expect(probe.trails).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(probe.times).toEqual([0, 0, 1000, 1000, 2000, 2000]);
    await runner.stop();
  });

  it('leaves trails at rest alone until the UTC day is over, also where the machine slept through its end', async () => {
    const HOUR = 3_600_000;
    const { runner, probe, timers } = setUp({ trailNames: ['a', 'b'] });
    runner.start();
    await timers.advance(24 * HOUR - 1);
    expect(probe.trails).toEqual(['a', 'b']);
    await timers.advance(1);
    expect(probe.times).toEqual([0, 0, 24 * HOUR, 24 * HOUR]);
    timers.sleep(50 * HOUR);
    await timers.advance(HOUR);
    expect(probe.times.slice(4)).toEqual([75 * HOUR, 75 * HOUR]);
    await runner.stop();
    expect(timers.pending).toBe(0);
  });

  it('turns a storm of wakes into two visits: one at once and one for all that came after it began', async () => {
    const { runner, probe, timers } = setUp();
    for (let i = 0; i < 10_000; i++) runner.wake('orders');
    await runner.idle();
    for (let i = 0; i < 10_000; i++) runner.wake('orders');
    await timers.advance(60_000);
    expect(probe.times).toEqual([0, 100]);
  });

  it('visits once more when woken during a visit, since the visit may have looked already', async () => {
    const { runner, probe, timers } = setUp();
    const { opened, open } = gate();
    probe.work = () => opened;
    runner.wake('orders');
    await setImmediate();
    runner.wake('orders');
    open();
    await timers.advance(1000);
    expect(probe.times).toEqual([0, 100]);
  });

  it('is never at one trail twice at once, and at no more than four trails', async () => {
    const { runner, probe } = setUp();
    const { opened, open } = gate();
    probe.work = () => opened;
    for (let i = 0; i < 20; i++) runner.wake(`trail-${i % 10}`);
    await setImmediate();
    expect(probe.trails).toEqual(['trail-0', 'trail-1', 'trail-2', 'trail-3']);
    open();
    await runner.idle();
    expect(probe.visits).toHaveLength(10);
    expect(probe.mostAtOnce).toBe(4);
  });

  it('comes back when a follower wants to, or sooner when woken', async () => {
    const { runner, probe, timers } = setUp();
    probe.wishes.set('orders', 5000);
    runner.wake('orders');
    await timers.advance(5000);
    expect(probe.times).toEqual([0, 5000]);
    await timers.advance(1000);
    probe.wishes.clear();
    runner.wake('orders');
    await runner.idle();
    expect(timers.pending).toBe(1);
    await timers.advance(60_000);
    expect(probe.times).toEqual([0, 5000, 6000]);
    expect(timers.pending).toBe(0);
  });

  it('works with the real clock too', async () => {
    const { runner, probe } = setUp({ timers: systemTimers, pace: { spacingMs: 1 } });
    probe.wishes.set('orders', 1);
    const { opened, open } = gate();
    probe.work = async () => {
      if (probe.visits.length === 3) open();
    };
    runner.wake('orders');
    await opened;
    await runner.stop();
    expect(probe.visits).toHaveLength(3);
  });
});

describe('a follower that fails', () => {
  const failure = new SealtrailError('unavailable', 'the store is away');

  it('is reported with its name and trail, every time, and tried again ever later until it works', async () => {
    const { runner, probe, timers, errors } = setUp({ pace: { retryMs: 250, maxRetryMs: 1500 } });
    probe.work = async () => {
      if (probe.visits.length <= 6) throw failure;
    };
    runner.wake('orders');
    await timers.advance(60_000);
    // 250, 500, 1000, then 1500 each.
    expect(probe.times).toEqual([0, 250, 750, 1750, 3250, 4750, 6250]);
    expect(errors).toEqual(Array(6).fill({ error: failure, source: { follower: 'probe', trail: 'orders' } }));
    expect(timers.pending).toBe(0);
  });

  it('starts over with short pauses once it has worked', async () => {
    const { runner, probe, timers } = setUp();
    const failing = new Set([1, 2, 4]);
    probe.wishes.set('orders', 10_000);
    probe.work = async () => {
      if (failing.has(probe.visits.length)) throw failure;
    };
    runner.wake('orders');
    await timers.advance(11_000);
    expect(probe.times).toEqual([0, 250, 750, 10_750, 11_000]);
    await runner.stop();
  });

  it('is left alone during its pause however often it is woken', async () => {
    const { runner, probe, timers } = setUp();
    probe.work = () => Promise.reject(failure);
    runner.wake('orders');
    await timers.advance(1);
    for (let i = 0; i < 1000; i++) runner.wake('orders');
    await timers.advance(200);
    expect(probe.visits).toHaveLength(1);
    await runner.stop();
  });

  it('waits as long as the store asked for', async () => {
    const { runner, probe, timers } = setUp();
    probe.work = async () => {
      if (probe.visits.length === 1) throw new SealtrailError('throttled', 'slow down', { retryAfter: 7 });
    };
    runner.wake('orders');
    await timers.advance(20_000);
    expect(probe.times).toEqual([0, 7000]);
  });

  it('spreads its retries, half of the pause at random', async () => {
    const { runner, probe, timers } = setUp({ random: () => 0 });
    probe.work = async () => {
      if (probe.visits.length === 1) throw failure;
    };
    runner.wake('orders');
    await timers.advance(20_000);
    expect(probe.times).toEqual([0, 125]);
  });

  it('holds up neither the other followers nor its other trails', async () => {
    const { runner, probes, errors } = setUp({ names: ['broken', 'sound'] });
    const [broken, sound] = probes;
    if (broken === undefined || sound === undefined) throw new RangeError('two probes');
    broken.work = async (trail) => {
      if (trail === 'bad') throw failure;
    };
    runner.wake('bad');
    runner.wake('good');
    await runner.idle();
    expect(broken.trails).toEqual(['bad', 'good']);
    expect(sound.trails).toEqual(['bad', 'good']);
    expect(errors.map(({ source }) => source)).toEqual([{ follower: 'broken', trail: 'bad' }]);
    await runner.stop();
  });

  it('may fail with anything, also before its first promise', async () => {
    const { runner, probe, errors } = setUp();
    probe.run = () => {
      throw 'not even an error';
    };
    runner.wake('orders');
    await runner.idle();
    expect(errors).toEqual([{ error: 'not even an error', source: { follower: 'probe', trail: 'orders' } }]);
    await runner.stop();
  });

  it('is told apart from a list of trails that cannot be read, which the next sweep reads again', async () => {
    let sweeps = 0;
    const { runner, probe, timers, errors } = setUp({
      sweepMs: 1000,
      trails: async function* () {
        yield 'a';
        sweeps += 1;
        if (sweeps === 1) throw failure;
        yield 'b';
      },
    });
    runner.start();
    await timers.advance(1000);
    expect(errors).toEqual([{ error: failure, source: {} }]);
    expect(probe.trails).toEqual(['a', 'a', 'b']);
    await runner.stop();
  });
});

describe('stopping', () => {
  it('tells the running visits, waits for them, and starts nothing more', async () => {
    const { runner, probe, timers } = setUp({ trailNames: ['a', 'b'], sweepMs: 1000, pace: { concurrency: 1 } });
    const { opened, open } = gate();
    let told = false;
    probe.work = async (_trail, { signal }) => {
      signal?.addEventListener('abort', () => {
        told = true;
      });
      await opened;
    };
    runner.start();
    await setImmediate();
    let stopped = false;
    const stopping = runner.stop().then(() => {
      stopped = true;
    });
    await setImmediate();
    expect({ told, stopped, running: probe.running }).toEqual({ told: true, stopped: false, running: 1 });
    open();
    await stopping;
    runner.wake('c');
    runner.start();
    await timers.advance(60_000);
    expect(probe.trails).toEqual(['a']);
    expect({ running: probe.running, pending: timers.pending }).toEqual({ running: 0, pending: 0 });
  });

  it('drops retries and revisits', async () => {
    const { runner, probe, timers } = setUp();
    probe.wishes.set('later', 500);
    probe.work = async (trail) => {
      if (trail === 'broken') throw new Error('broken');
    };
    runner.wake('later');
    runner.wake('broken');
    await runner.idle();
    await runner.stop();
    expect(timers.pending).toBe(0);
    await timers.advance(60_000);
    expect(probe.trails).toEqual(['later', 'broken']);
  });

  it('reports an error of a last visit, and does not retry it', async () => {
    const { runner, probe, timers, errors } = setUp();
    const { opened, open } = gate();
    probe.work = async () => {
      await opened;
      throw new Error('at the last moment');
    };
    runner.wake('orders');
    await setImmediate();
    const stopping = runner.stop();
    open();
    await stopping;
    await timers.advance(60_000);
    expect(errors).toHaveLength(1);
    expect(probe.visits).toHaveLength(1);
  });

  it('can be asked for twice, and before anything was begun', async () => {
    const { runner, probe } = setUp({ trailNames: ['a'] });
    await Promise.all([runner.stop(), runner.stop()]);
    await runner.idle();
    expect(probe.visits).toEqual([]);
  });

  it('ends a sweep over many trails', async () => {
    let listed = 0;
    const { runner } = setUp({
      trails: async function* () {
        for (;;) {
          listed += 1;
          yield `trail-${listed}`;
        }
      },
    });
    runner.start();
    await runner.stop();
    expect(listed).toBeLessThan(10);
  });
});
