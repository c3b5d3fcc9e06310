// npm install sealtrail express && node app.mjs
import express from 'express';
import { createAuditLogger } from 'sealtrail/client';
import { auditRequests } from 'sealtrail/express';

const audit = createAuditLogger({ api: { trail: 'examples' }, closeOnExit: true });
const app = express();

// Every request becomes an `http.request`; what is logged while it is handled carries its id.
app.use(auditRequests(audit));

app.delete('/users/:id', (request, response) => {
  audit.data('delete', { actor: { id: 'admin-1' }, resource: { type: 'user', id: request.params.id } });
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
