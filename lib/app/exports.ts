import { Exports, type ExportsOptions } from '../export/exports.ts';
import type { Log } from './log.ts';

/** How a host runs exports. */
export type ExportHost = Pick<ExportsOptions, 'queries' | 'downloads' | 'start' | 'onError'>;

/** Exports of a log, for the host that starts and writes them. */
export const openExports = ({ table, ledger, nodes, logName }: Log, host: ExportHost): Exports =>
  new Exports({ table, ledger, nodes, logName, ...host });
