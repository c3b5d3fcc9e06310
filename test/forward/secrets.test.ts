import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { secretReader } from '../../lib/forward/secrets.ts';

/** The promise: a secret is read where it is kept, and stands in no error. */

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a secret', () => {
  it('is read from a file or a variable, without the line end', async () => {
    writeFileSync(join(folder, 'a'), 's3cret\n');
    expect(await secretReader({ file: join(folder, 'a') })()).toBe('s3cret');
    vi.stubEnv('SEALTRAIL_A_SECRET', 's3cret');
    expect(await secretReader({ env: 'SEALTRAIL_A_SECRET' })()).toBe('s3cret');
    vi.unstubAllEnvs();
  });

  it.each(['s3\ncret', 's3cr\u00e9t', 's3\u0000cret'])(
    'that no header takes is refused, and not shown: %j',
    async (secret) => {
      writeFileSync(join(folder, 'b'), secret);
      const read = secretReader({ file: join(folder, 'b') })();
      await expect(read).rejects.toMatchObject({ code: 'unavailable', message: expect.not.stringContaining('s3') });
    },
  );

  it('that is not there is an error that names its place', async () => {
    await expect(secretReader({ file: join(folder, 'none') })()).rejects.toThrow(
      /cannot read the secret in the file .*none/,
    );
    await expect(secretReader({ env: 'SEALTRAIL_NO_SECRET' })()).rejects.toThrow(
      'the variable SEALTRAIL_NO_SECRET is empty',
    );
  });
});
