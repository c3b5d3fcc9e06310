import { Exports, type ExportsOptions } from '../export/exports.ts';
import type { Log } from './log.ts';

/** A host's way to run exports. */
export type ExportHost = Pick<ExportsOptions, 'queries' | 'downloads' | 'start' | 'onError'>;

/** Opens the exports of a log for a host that starts and writes them. */
export const openExports = ({ table, ledger, nodes, logName }: Log, host: ExportHost): Exports =>
  new Exports({ table, ledger, nodes, logName, ...host });
