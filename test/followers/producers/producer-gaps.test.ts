import { describe, expect, it } from 'vitest';
import { ProducerFollower } from '../../../lib/followers/producers/producer-gaps.ts';
import { readWatermark } from '../../../lib/ledger/items/watermark.ts';
import { FIRST_LINK, producerLink } from '../../../lib/log/producer.ts';
import type { FaultEffect } from '../../../lib/testing/memory/faults.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { openLedger } from '../../ledger/fixture.ts';
import { despite } from '../../query/fixture.ts';

/**
 * The log keeps the last numbers of each producer. What is missing is recorded in `_system` once it has been missing for
 * a while, and once more when it came after all; nothing is recorded twice, whatever crashes.
 */

const TRAIL = 'orders';
const GRACE = 60_000;

interface Numbered {
  readonly id: string;
  readonly json: string;
}

/** Events of a producer with these numbers, as the intake leaves them. */
function numbered(producer: string, numbers: readonly number[], prefix = 'e'): Numbered[] {
  let prev = FIRST_LINK;
  return numbers.map((seq) => {
    const id = `${prefix}-${producer}-${seq}`;
    const mark = { id: producer, prev, seq };
    prev = producerLink(id, mark);
    return { id, json: JSON.stringify({ id, producer: mark, severity: 'info', type: 'a.b' }) };
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A log in memory, with a clock. */
class World {
  readonly table = new MemoryTable();
  clock = 1_795_000_000_000;

  async append(events: readonly Numbered[], submitter = 'shop'): Promise<void> {
    await openLedger(this.table, { now: () => this.clock }).append({ trail: TRAIL, submitter, events });
  }

  follower(table: MemoryTable = this.table): ProducerFollower {
    const now = (): number => this.clock;
    return new ProducerFollower({ table, ledger: openLedger(table, { now }), now, graceMs: GRACE });
  }

  async follow(table?: MemoryTable): Promise<void> {
    await this.follower(table).run(TRAIL, { force: true });
  }

  /** What was recorded: type, producer, numbers. */
  async recorded(): Promise<string[]> {
    const found: string[] = [];
    for await (const { lines } of openLedger(this.table).blocks('_system', { from: 0, to: 1000 })) {
      for (const line of lines) {
        const { type, details } = JSON.parse(line).event;
        expect(details).toMatchObject({ trail: TRAIL, count: details.last - details.first + 1 });
        found.push(`${type} ${details.producer} of ${details.submitter} ${details.first}-${details.last}`);
      }
    }
    return found;
  }
}

describe('the follower of producers', () => {
  it('has nothing to say where nothing is missing, also of what was left out on purpose', async () => {
    const world = new World();
    await world.append([...numbered('a', [0, 1, 5, 6]), { id: 'x', json: '{"id":"x","type":"a.b"}' }]);
    await world.append(numbered('b', upTo(100)));
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    expect(await world.recorded()).toEqual([]);
    expect((await readWatermark(world.table, TRAIL, 'producers')).size).toBe(105);
  });

  it('records a gap when it stays open, once, with who and what; and that it was filled after all', async () => {
    const world = new World();
    const events = numbered('a', upTo(10));
    await world.append(events.filter((_, seq) => ![3, 4, 8].includes(seq)));
    await world.follow();
    expect(await world.recorded()).toEqual([]);
    world.clock += GRACE;
    for (let again = 0; again < 3; again++) await world.follow();
    expect(await world.recorded()).toEqual(['producer.gap a of shop 3-4', 'producer.gap a of shop 8-8']);
    await world.append(events.slice(4, 5));
    await world.append(events.slice(8, 9));
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    await world.append(events.slice(3, 4));
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    expect((await world.recorded()).slice(2)).toEqual([
      'producer.gap_filled a of shop 8-8',
      'producer.gap_filled a of shop 3-4',
    ]);
  });

  it('does not record a gap that late events closed in time', async () => {
    const world = new World();
    const events = numbered('a', upTo(10));
    await world.append([...events.slice(0, 3), ...events.slice(6)]);
    await world.follow();
    world.clock += GRACE - 1;
    await world.append(events.slice(3, 6));
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    expect(await world.recorded()).toEqual([]);
  });

  it('records two histories, and keeps submitters apart', async () => {
    const world = new World();
    await world.append(numbered('a', upTo(4)));
    await world.append(numbered('a', upTo(4)), 'another');
    await world.append(numbered('a', upTo(4), 'twin').slice(3));
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    await world.follow();
    expect(await world.recorded()).toEqual(['producer.fork a of shop 3-3']);
  });

  it('follows a role through its sessions, and names the role in what it finds', async () => {
    const world = new World();
    const events = numbered('a', upTo(9));
    const role = 'arn:aws:sts::123456789012:assumed-role/shop';
    await world.append(events.slice(0, 3), `${role}/aws-sdk-js-session-1`);
    await world.append(events.slice(3, 6), `${role}/aws-sdk-js-session-2`);
    await world.follow();
    world.clock += GRACE;
    await world.append(events.slice(7), `${role}/aws-sdk-js-session-3`);
    await world.follow();
    expect(await world.recorded()).toEqual([]);
    world.clock += GRACE;
    await world.follow();
    expect(await world.recorded()).toEqual([`producer.gap a of ${role} 6-6`]);
  });

  it('keeps two roles apart that number under one id', async () => {
    const world = new World();
    await world.append(numbered('a', upTo(4)), 'arn:aws:sts::123456789012:assumed-role/shop/s');
    await world.append(numbered('a', upTo(4), 'twin'), 'arn:aws:sts::123456789012:assumed-role/till/s');
    await world.append(numbered('a', upTo(4), 'far'), 'arn:aws:sts::210987654321:assumed-role/shop/s');
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    expect(await world.recorded()).toEqual([]);
  });

  it('goes on from where it was, in as many steps as it takes', async () => {
    const world = new World();
    const many = upTo(200).flatMap((i) => numbered(`p-${i}`, i === 150 ? [0, 1, 2] : [0, 1]));
    await world.append(many.filter(({ id }) => id !== 'e-p-150-1'));
    await world.append(
      numbered(
        'a',
        upTo(7000).map((i) => i),
      ).slice(0, 1000),
    );
    await world.follow();
    world.clock += GRACE;
    await world.follow();
    expect(await world.recorded()).toEqual(['producer.gap p-150 of shop 1-1']);
    expect((await readWatermark(world.table, TRAIL, 'producers')).size).toBe(1400);
  });

  it('lets new records wait for more, but not for long', async () => {
    const world = new World();
    const follower = world.follower();
    await world.append(numbered('a', [0, 1]).slice(1));
    await follower.run(TRAIL);
    expect([(await readWatermark(world.table, TRAIL, 'producers')).size, follower.revisit(TRAIL)]).toEqual([0, 2000]);
    world.clock += 2000;
    await follower.run(TRAIL);
    expect([(await readWatermark(world.table, TRAIL, 'producers')).size, follower.revisit(TRAIL)]).toEqual([1, GRACE]);
    world.clock += GRACE;
    await follower.run(TRAIL);
    expect([await world.recorded(), follower.revisit(TRAIL)]).toEqual([['producer.gap a of shop 0-0'], undefined]);
  });

  it('leaves a trail alone that does not exist', async () => {
    const world = new World();
    await world.follow();
    expect(world.table.faults.writes).toBe(0);
  });
});

/** A trail in which events are missing, and one comes late. @returns how many writes the first visits made */
async function liveThrough(world: World, process: MemoryTable): Promise<number> {
  const events = numbered('a', upTo(9));
  await world.append(events.filter((_, seq) => seq !== 2 && seq !== 5));
  await world.append(numbered('b', [0, 1]).slice(1));
  for (let visit = 0; visit < 2; visit++) {
    await despite(world.follow(process));
    world.clock += GRACE;
  }
  for (const late of [[], events.slice(2, 3)]) {
    if (late.length > 0) await world.append(late);
    for (let visit = 0; visit < 3; visit++) {
      await world.follow();
      world.clock += GRACE;
    }
  }
  return process.faults.writes;
}

describe('a failure among its writes', () => {
  it.each<FaultEffect & string>(['unpersisted', 'persisted', 'cut_before', 'cut_after'])(
    'is made good by the next run, and nothing is recorded twice: %s',
    async (effect) => {
      const calm = new World();
      const writes = await liveThrough(calm, calm.table.restarted());
      expect(writes).toBeGreaterThan(4);
      const tries = upTo(writes).map(async (nth) => {
        const world = new World();
        const process = world.table.restarted();
        process.faults.add({ effect, nth: nth + 1 });
        await liveThrough(world, process);
        expect((await world.recorded()).sort()).toEqual([
          'producer.gap a of shop 2-2',
          'producer.gap a of shop 5-5',
          'producer.gap b of shop 0-0',
          'producer.gap_filled a of shop 2-2',
        ]);
      });
      await Promise.all(tries);
    },
  );
});
