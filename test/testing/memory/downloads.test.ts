import { expect, it } from 'vitest';
import { downloadsContract } from '../../../lib/testing/contracts/downloads.ts';
import { MemoryDownloads } from '../../../lib/testing/memory/downloads.ts';

const clock = { now: 0 };
let downloads = new MemoryDownloads(() => clock.now);
downloadsContract('MemoryDownloads', {
  open: async () => {
    downloads = downloads.restarted();
    return downloads;
  },
  follow: async (link) => downloads.follow(link),
  passSeconds: (seconds) => {
    clock.now += seconds * 1000;
  },
});

it('fails where it was told to: before the file is there, or after', async () => {
  for (const [effect, code, exists] of [
    ['unpersisted', 'unavailable', false],
    ['persisted', 'outcome_unknown', true],
  ] as const) {
    const faulty = new MemoryDownloads();
    faulty.faults.add({ effect, matching: ({ operation }) => operation === 'finish' });
    const writer = await faulty.create('a/b');
    await expect(writer.finish()).rejects.toMatchObject({ code });
    expect(faulty.files.has('a/b')).toBe(exists);
  }
});
