import { once } from 'node:events';
import type { Server } from 'node:http';

/** Starts a server on a free port of this machine. @returns its URL */
export async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new RangeError('a server on TCP has a port');
  return `http://127.0.0.1:${address.port}`;
}

/** Ends a server with its connections. */
export async function closed(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
