import type { APIGatewayProxyStructuredResultV2 as GatewayResult } from 'aws-lambda';
import { expect } from 'vitest';
import { answer } from '../../functions/gateway.ts';
import { requestedVerification, TrailVerification, verificationsIn } from '../../functions/trail-verification.ts';
import { COUNTED } from '../../functions/wiring.ts';
import { listedHolds } from '../../functions/work-lists.ts';
import type { Action } from '../../lib/api/core/principal.ts';
import { Router } from '../../lib/api/core/router.ts';
import { ROUTE_GROUPS } from '../../lib/api/routes.ts';
import type { Services } from '../../lib/api/services.ts';
import { FOLLOWERS, openFollowers } from '../../lib/app/followers.ts';
import { type ArchivedLog, type LogSettings, wireLog } from '../../lib/app/log.ts';
import { openQueries } from '../../lib/app/queries.ts';
import type { Archiver } from '../../lib/followers/archive/archiver.ts';
import type { Verifications } from '../../lib/followers/verification/verifications.ts';
import type { Signer } from '../../lib/store/ports.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { filesOf } from '../support/index-files.ts';
import { type Call, gatewayEvent } from './events.ts';

/** All functions' services in one. */
interface DeployedLog extends ArchivedLog, Omit<Services, 'exports' | 'ledger' | 'retiredKeys'> {
  readonly archiver: Archiver;
  readonly objects: MemoryObjects;
}

/** The stores of a deployment, in memory. */
export interface DeployedStores {
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly signers: readonly Signer[];
  readonly retired?: readonly Signer[];
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

/** A log as functions wire theirs. */
export const wired = (stores: DeployedStores, settings: Partial<LogSettings> = {}): ArchivedLog =>
  wireLog(
    { files: filesOf(stores.table), ...stores },
    { logName: 'audit.example.com', retention: RETENTION, ...settings },
    COUNTED,
  );

const RETENTION = { default: { archiveDays: 1, hotDays: 30 } };

export async function deploy(): Promise<Deployed> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const signer = new MemorySigner();
  const opened = wired({ table, objects, signers: [signer] });
  const verifier = new TrailVerification(opened);
  const verifications: Verifications = verificationsIn(opened, verifier, {
    tell: async (event) => {
      const { trail, id } = requestedVerification(JSON.parse(JSON.stringify(event))) ?? expect.fail();
      void verifications.run(trail, id, { whenEnded: 'goes_on' });
    },
  });
  const log = {
    ...opened,
    objects,
    archiver: openFollowers(FOLLOWERS, opened).archiver,
    legalHolds: listedHolds(opened),
    verifier,
    verifications,
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
