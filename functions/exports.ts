import { Exports } from '../lib/export/exports.ts';
import type { S3Downloads } from '../lib/store/s3/downloads.ts';
import type { Log } from './log.ts';
import { openQueries } from './queries.ts';
import { count, describe, logger } from './telemetry.ts';

/** Where requests stand in the bucket of exports: the rule that wakes the function looks for it. */
const REQUESTS = 'requests/';

/** What EventBridge tells of a new object (Amazon S3 user guide, "EventBridge event message structure"). */
export interface RequestedExport {
  readonly object: { readonly key: string };
}

/**
 * Exports in AWS. One that is asked for is an object in their bucket, whose appearance starts the function apart from any
 * request: so no client of another service is needed, and the start is tried again by AWS.
 *
 * @throws the Table's errors
 */
export async function openExports(log: Log, downloads: S3Downloads): Promise<Exports> {
  const { table, ledger, nodes, logName } = log;
  return new Exports({
    ...{ table, ledger, nodes, logName, downloads, queries: await openQueries(log) },
    link: (key, file) => downloads.link(key, file),
    start: (trail, id) => downloads.put(`${REQUESTS}${trail}/${id}`, ''),
    onError: (error, trail, id) => {
      count('ExportFailures');
      logger.error('an export failed', { trail, export: id, ...describe(error) });
    },
  });
}

/** The export that a request stands for. @throws RangeError for what is no request */
export function requestedExport({ object }: RequestedExport): { readonly trail: string; readonly id: string } {
  const [, trail, id] = /^requests\/([a-z0-9_-]+)\/([0-9a-f]{32})$/.exec(object.key) ?? [];
  if (trail === undefined || id === undefined) throw new RangeError(`no request for an export: ${object.key}`);
  return { trail, id };
}
