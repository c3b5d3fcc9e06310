import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** A served log whose archive is sealed: 300 records in `orders`, 5 in `payments`. */
export interface SealedLog extends TestLog {
  /** Its public key, as `sealtrail keys` exports it. */
  readonly key: string;
  /** A checkpoint of `orders`, kept from when it had 40 records. */
  readonly kept: string;
}

/** Events in NDJSON, each by an actor of its own. */
export const events = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) =>
    JSON.stringify({ type: 'data.read', actor: { id: `user-${from + i}` } }),
  ).join('\n');

export async function openSealedLog(): Promise<SealedLog> {
  const test = await openTestLog();
  const env = test.env('admin');
  await cli(['append', 'orders'], { env, input: events(0, 40) });
  const kept = join(test.folder, 'kept-checkpoint');
  writeFileSync(kept, (await test.client('auditor').send({ path: '/v1/trails/orders/checkpoint' })).text());
  await cli(['append', 'orders'], { env, input: events(40, 300) });
  await cli(['append', 'payments'], { env, input: events(0, 5) });
  for (const trail of ['orders', 'payments']) await cli(['seal', trail], { env });
  await cli(['keys', '--export', join(test.folder, 'keys')], { env });
  return { ...test, key: join(test.folder, 'keys', 'log.pem'), kept };
}
