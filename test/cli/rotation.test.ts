import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { parseTrustedKeys } from '../../lib/verify/trust.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { cli } from './in-process.ts';

it('keys rotate and keys retire print what verifiers put into their key files', async () => {
  const data = join(await temporaryFolder(), 'data');
  const log = await openEmbedded(data);
  const event = { id: 'e-1', json: '{"id":"e-1","severity":"info","type":"auth.login"}' };
  await log.ledger.append({ trail: 'orders', submitter: 'test', events: [event] });
  await log.archiver.seal('orders');
  await log.close();

  const begun = await cli(['keys', 'rotate', '--data', data]);
  expect(begun).toMatchObject({ code: 0, stderr: '' });
  const lines = begun.stdout.split('\n').filter((line) => line.startsWith('sealtrail.local/orders+'));
  expect(parseTrustedKeys(lines.join('\n'))).toMatchObject([{ name: 'sealtrail.local/orders', from: 2 }]);

  const again = await cli(['keys', 'rotate', '--data', data]);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('two keys sign already: retire the older one first');

  const ended = await cli(['keys', 'retire', '--data', data, '--json']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const { trust, fingerprint } = JSON.parse(ended.stdout);
  expect(parseTrustedKeys(trust.join('\n'))).toMatchObject([{ name: 'sealtrail.local/orders', to: 1 }]);
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
});
