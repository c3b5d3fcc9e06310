import { join } from 'node:path';
import { afterAll } from 'vitest';
import { KeyFileSigner } from '../../../lib/store/keyfile/signer.ts';
import { signerContract } from '../signer.contract.ts';
import { makeFolder, removeFolder } from '../temporary.ts';

const folder = await makeFolder();
afterAll(() => removeFolder(folder));
for (const algorithm of ['ed25519', 'ecdsa-p256'] as const) {
  const file = join(folder, `${algorithm}.pem`);
  await KeyFileSigner.create(file, algorithm);
  signerContract('KeyFileSigner', { algorithm, open: () => KeyFileSigner.open(file) });
}
