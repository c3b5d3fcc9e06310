// Writes items until writes have failed three times, and says what happened to each. Meant to run with a limit on the
// size of files.
import { SealtrailError } from '../../../lib/log/error.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';

const [file = '', bytes = '0', writes = '1'] = process.argv.slice(2);
const table = await SqliteTable.open(file);
const attributes = { bytes: new Uint8Array(Number(bytes)).fill(7) };
/** What shares a commit with each write, and has itself nothing that could fail. */
const NOTHING = { check: { partition: 'p', sort: 'none' }, when: { is: 'absent' } } as const;

for (let n = 0, failures = 0; failures < 3; n++) {
  let companion = 'committed';
  try {
    const puts = Array.from({ length: Number(writes) }, (_, k) => ({
      put: { partition: 'p', sort: `${n} ${k}`, attributes },
    }));
    const [told, beside] = await Promise.allSettled([table.transact(puts), table.transact([NOTHING])]);
    if (beside.status === 'rejected') companion = beside.reason.code;
    if (told.status === 'rejected') throw told.reason;
    process.stdout.write(`${n} stored\n`);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    process.stdout.write(`${n} ${error.code} ${error.message}\n`);
    const read = await table.get({ partition: 'p', sort: `${n} 0` }).catch((refused: SealtrailError) => refused.code);
    process.stdout.write(`${n} beside ${companion}\n`);
    process.stdout.write(`${n} read ${typeof read === 'string' ? read : (read?.sort ?? 'nothing')}\n`);
    failures += 1;
  }
}
await table.close();
