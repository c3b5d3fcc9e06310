import type { Services } from '../lib/api/services.ts';
import { Archiver } from '../lib/followers/archiver.ts';
import { s3Client } from '../lib/store/aws-clients.ts';
import type { Objects, Signer, Table } from '../lib/store/ports.ts';
import { S3Objects } from '../lib/store/s3/objects.ts';
import { type Environment, environmentOf } from './environment.ts';
import { ledgerStores } from './ledger-stores.ts';
import { once, openServices } from './services.ts';

const DAY_MS = 86_400_000;

/** A log with its archive. */
export interface Deployment extends Services {
  readonly table: Table;
  readonly objects: Objects;
  readonly archiver: Archiver;
}

/** Wires a log over stores; the environment says for how long the archive is locked. */
export async function openDeployment(
  stores: { readonly table: Table; readonly signer: Signer; readonly objects: Objects },
  environment: Pick<Environment, 'logName' | 'privacy' | 'archiveDays'>,
): Promise<Deployment> {
  const { table, objects } = stores;
  const services = await openServices(stores, environment);
  const retentionMs = environment.archiveDays * DAY_MS;
  return {
    ...services,
    table,
    objects,
    archiver: new Archiver({ objects, table, ledger: services.ledger, retentionMs }),
  };
}

/** The deployment's log, opened with the first use and kept while the function's instance lives. */
export const deployedLog: () => Promise<Deployment> = once(() => {
  const environment = environmentOf(process.env);
  const { bucket, lock } = environment;
  const objects = new S3Objects({ client: s3Client(), bucket, lock });
  return openDeployment({ ...ledgerStores(environment), objects }, environment);
});
