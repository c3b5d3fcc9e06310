import { join } from 'node:path';
import { expect, it } from 'vitest';
import { credentialChain } from '../../../lib/client/http/credential-chain.ts';
import { temporaryFolder } from '../../store/temporary.ts';

it('credentials that a profile does not give are an error that names it', async () => {
  const filepath = join(await temporaryFolder(), 'credentials');
  await expect(credentialChain({ profile: 'nosuch', filepath })()).rejects.toThrow(/^profile nosuch: /);
});
