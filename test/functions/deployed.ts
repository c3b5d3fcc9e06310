import type { APIGatewayProxyStructuredResultV2 as GatewayResult } from 'aws-lambda';
import { openArchiver } from '../../functions/archiver.ts';
import { openExpirer } from '../../functions/expirer.ts';
import { answer } from '../../functions/gateway.ts';
import { type Log, openLog } from '../../functions/log.ts';
import { openQueries } from '../../functions/queries.ts';
import { TrailVerification } from '../../functions/verify-trails.ts';
import type { Action } from '../../lib/api/principal.ts';
import { Router } from '../../lib/api/router.ts';
import { ROUTE_GROUPS } from '../../lib/api/routes.ts';
import type { Services } from '../../lib/api/services.ts';
import type { Archiver } from '../../lib/followers/archive/archiver.ts';
import type { Expirer } from '../../lib/followers/expiry/expirer.ts';
import { LegalHoldOrders } from '../../lib/followers/legal-hold/legal-hold-requests.ts';
import { LegalHolds } from '../../lib/followers/legal-hold/legal-holds.ts';
import { ArchivedRecords } from '../../lib/ledger/archived-records.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { type Call, gatewayEvent } from './events.ts';

/** All functions' services in one. */
interface DeployedLog extends Log, Omit<Services, 'exports'> {
  readonly ledger: Log['ledger'];
  readonly archiver: Archiver;
  readonly archive: ArchivedRecords;
  readonly expirer: Expirer;
  readonly holds: LegalHolds;
  readonly objects: MemoryObjects;
  readonly verifier: TrailVerification;
}

/** A deployment over stores in memory. */
export interface Deployed {
  readonly log: DeployedLog;
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly signer: MemorySigner;
  /** A call through a function that may do `actions`. @default all */
  call(call: Call, actions?: readonly Action[]): Promise<GatewayResult>;
}

/** Every route, in whatever function. */
export const router = new Router<DeployedLog>([
  ...ROUTE_GROUPS.append,
  ...ROUTE_GROUPS.read,
  ...ROUTE_GROUPS.verify,
  ...ROUTE_GROUPS.admin,
]);

export async function deploy(): Promise<Deployed> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const signer = new MemorySigner();
  const archive = new ArchivedRecords({ objects, table });
  const retention = { default: { archiveDays: 1, hotDays: 30 } };
  const opened = openLog(
    { table, objects, signers: [signer] },
    { logName: 'audit.example.com', privacy: {}, recordsReads: true },
  );
  const log = {
    ...opened,
    objects,
    archive,
    archiver: openArchiver(opened, objects, { retention }, []),
    expirer: openExpirer(opened, archive, { retention }),
    legalHolds: new LegalHoldOrders({ table, ledger: opened.ledger }),
    holds: new LegalHolds({ table, objects }),
    verifier: new TrailVerification({ ...opened, objects }),
    queries: await openQueries(opened),
  };
  const all: readonly Action[] = ['append', 'read', 'verify', 'admin'];
  return {
    log,
    table,
    objects,
    signer,
    call: (call, actions = all) => answer(gatewayEvent(call), { router, services: async () => log, actions }),
  };
}

export const APPEND = 'POST /v1/trails/{trail}/events';
export const QUERY = 'GET /v1/trails/{trail}/events';

/** An append of one event. */
export const append = (trail: string, event: object = { type: 'data.update', actor: { id: 'ann' } }): Call => ({
  route: APPEND,
  parameters: { trail },
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
});

/** What an answer holds, uncompressed JSON. */
export const bodyOf = (result: GatewayResult): Record<string, unknown> => JSON.parse(result.body ?? 'null');
