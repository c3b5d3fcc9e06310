import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { serve } from './served.ts';

it('says that something is in the way of a seal, and not what: that is in the log', async () => {
  const own = await serve();
  onTestFinished(() => own.close());
  const admin = own.client('admin');
  const append = () =>
    admin.send({ method: 'POST', path: '/v1/trails/blocked/events', body: JSON.stringify({ type: 'auth.login' }) });
  const seal = () => admin.send({ method: 'POST', path: '/v1/trails/blocked/seals' });
  await append();
  await seal();
  await append();
  const archive = join(own.folder, 'archive', 'blocked');
  await rename(join(archive, 'checkpoints'), join(archive, 'aside'));
  await symlink('aside', join(archive, 'checkpoints'));
  await expect(seal()).rejects.toMatchObject({
    code: 'archive_damaged',
    message: expect.stringContaining('the archive of trail blocked holds something that the log did not put there'),
  });
});
