import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

/**
 * A receiver of webhooks as a user would write one: it checks the signature, keeps each body as a line unless it has one with the
 * same id, and answers. `node sink.ts FILE PORT SECRET`. It may be killed at any time.
 */

const [file = '', port = '0', secret = ''] = process.argv.slice(2);
const ids = new Set<string>();
if (existsSync(file)) {
  const text = readFileSync(file, 'utf8');
  const whole = text.lastIndexOf('\n') + 1;
  truncateSync(file, Buffer.byteLength(text.slice(0, whole)));
  for (const line of text.slice(0, whole).split('\n').filter(Boolean)) ids.add(JSON.parse(line).id);
}
const out = openSync(file, 'a');
const hook = new Webhook(secret);
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  try {
    hook.verify(body, request.headers as Record<string, string>);
  } catch {
    response.writeHead(401).end();
    return;
  }
  const id = String(request.headers['webhook-id']);
  if (!ids.has(id)) {
    writeSync(out, `${body}\n`);
    ids.add(id);
  }
  response.writeHead(204).end();
});
server.listen(Number(port), '127.0.0.1');
process.on('exit', () => closeSync(out));
