import { SealtrailError } from '../../log/error.ts';

/** The first Node that a log of one machine runs on: its SQLite is the one of Node itself. */
const SERVER_NODE = 24;

/**
 * Demands a Node that a log can run on. To be called before what runs one is imported: an older Node lacks `node:sqlite`.
 *
 * @param what the command, such as `sealtrail serve`
 * @throws `usage` on an older Node
 */
export function assertServerNode(what: string, node: string = process.versions.node): void {
  if (Number(node.split('.')[0]) >= SERVER_NODE) return;
  throw new SealtrailError(
    'usage',
    `"${what}" opens a log's database, which takes Node ${SERVER_NODE} or newer, and this is Node ${node}. In the repository ` +
      '"npm run -s sealtrail -- …" uses the right one; elsewhere install it from https://nodejs.org. Verifying and asking work here too.',
  );
}
