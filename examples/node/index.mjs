// npm install sealtrail && node index.mjs
import { createAuditLogger } from 'sealtrail/client';

const audit = createAuditLogger({ api: { trail: 'examples' } });

// Returns at once; a batch goes out every 200 ms.
audit.auth('login', { actor: { id: 'alice', ip: '192.0.2.1' } });

// Waits until the event is under a signed checkpoint, and checks the receipt.
const receipt = await audit.logAndSeal({
  type: 'data.export',
  actor: { id: 'alice' },
  resource: { type: 'table', id: 'customers' },
  details: { rows: 1200 },
});
console.log(`record ${receipt.seq} of ${receipt.trail}`);

for await (const { seq, event } of audit.reader.query({ actor: 'alice', limit: 10 })) console.log(seq, event.type);
await audit.close();
