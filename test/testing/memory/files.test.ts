import { expect, it } from 'vitest';
import { filesContract } from '../../../lib/testing/contracts/files.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';

let files = new MemoryFiles();
filesContract('MemoryFiles', {
  open: async () => {
    files = files.restarted();
    return files;
  },
});

it('fails where it was told to: before the file is there, or after', async () => {
  for (const [effect, code, exists] of [
    ['unpersisted', 'unavailable', false],
    ['persisted', 'outcome_unknown', true],
  ] as const) {
    const faulty = new MemoryFiles();
    faulty.faults.add({ effect, matching: ({ operation }) => operation === 'finish' });
    const writer = await faulty.create('a/b');
    await expect(writer.finish()).rejects.toMatchObject({ code });
    expect(faulty.files.has('a/b')).toBe(exists);
  }
});
