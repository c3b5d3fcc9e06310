import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { wireLog } from '../../lib/app/log.ts';
import { pemOf } from '../../lib/log/note.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { LOG_NAME } from './archives.ts';
import { attempt } from './fsck.ts';

type Ok = (what: string, holds: boolean, said?: string) => void;

/**
 * pycose over COSE receipts, by the script of docs/verify-yourself.md as it stands there.
 *
 * @param python that has pycose
 * @param work a folder for files
 */
export async function checkReceipts(python: string, work: string, ok: Ok): Promise<void> {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/verify-yourself.md'), 'utf8');
  const shown = [...page.matchAll(/```python\n(.*?)```/gs)].map(([, block = '']) => block);
  const script = shown.find((block) => block.includes('pycose')) ?? '';
  ok('the script for receipts has fifteen lines', script.trimEnd().split('\n').length === 15, script);
  writeFileSync(join(work, 'receipt.py'), script);
  const files = ['receipt.py', 'r.cose', 'r.json', 'key.pem'].map((name) => join(work, name));
  for (const algorithm of ['ed25519', 'ecdsa-p256'] as const) {
    const log = wireLog({ table: new MemoryTable(), signers: [new MemorySigner(algorithm)] }, { logName: LOG_NAME });
    for (const size of [1, 2, 3, 7, 8, 1000]) {
      const trail = `of-${size}`;
      const events = Array.from({ length: size }, (_, n) => ({ id: `e-${n}`, json: `{"id":"e-${n}","type":"a.b"}` }));
      await log.ledger.append({ trail, submitter: 'outside', events });
      for (const verifier of await log.ledger.verifiers(trail)) writeFileSync(join(work, 'key.pem'), pemOf(verifier));
      const check = async (record: number, shownAs: number) => {
        writeFileSync(join(work, 'r.cose'), await log.coseReceipt(trail, record));
        writeFileSync(join(work, 'r.json'), `${await log.ledger.record(trail, shownAs)}\n`);
        return attempt(python, files);
      };
      for (const record of new Set([0, size >> 1, size - 1])) {
        const { status, said } = await check(record, record);
        ok(`pycose verifies a receipt of record ${record} of ${size} (${algorithm})`, status === 0, said);
      }
      if (size > 1) ok(`pycose objects to another record of ${size}`, (await check(0, 1)).status === 1);
    }
    await log.ledger.close();
  }
}
