import { createAuditLogger } from '../../../lib/client/index.ts';
import { logMany } from '../load.ts';

/** Run as a process of its own: logs events while the log is away, and is killed with all of them in its spool. */
const [, , endpoint = '', spool = '', prefix = '', count = '0', maxSpoolBytes = '1e9'] = process.argv;
const audit = createAuditLogger({
  onError: () => undefined,
  api: {
    ...{ endpoint, spool, trail: 'orders', batchEvents: 7, maxSpoolBytes: Number(maxSpoolBytes), flushTimeout: 500 },
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
  },
});
logMany(audit, prefix, Number(count));
await audit.flush().catch(() => undefined); // Not all of it fits, by choice.
process.kill(process.pid, 'SIGKILL');
