import { expect, it } from 'vitest';
import { SealtrailError } from '../../../lib/log/error.ts';
import { signerContract } from '../../../lib/testing/contracts/signer.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';

for (const algorithm of ['ed25519', 'ecdsa-p256'] as const) {
  const signer = new MemorySigner(algorithm);
  signerContract('MemorySigner', { algorithm, open: async () => signer });
}

it('fails as often as it was asked to, and counts what it signed', async () => {
  const signer = new MemorySigner();
  signer.failures.push(new SealtrailError('signer_unavailable', 'away'));
  await expect(signer.sign(Uint8Array.of(1))).rejects.toMatchObject({ code: 'signer_unavailable' });
  await signer.sign(Uint8Array.of(1));
  expect(signer.signed).toBe(1);
});
