// npm install sealtrail @middy/core, then deploy this file with SEALTRAIL_ENDPOINT in its environment.
import middy from '@middy/core';
import { createAuditLogger } from 'sealtrail/client';
import { auditMiddleware } from 'sealtrail/middy';

const audit = createAuditLogger({ api: { trail: 'examples' } });

// The result goes back once every event is in the log: a frozen function delivers nothing.
export const handler = middy()
  .use(auditMiddleware(audit))
  .handler(async ({ user }) => {
    audit.auth('password_reset', { actor: { id: 'support-1' }, resource: { type: 'user', id: user } });
    return { ok: true };
  });
