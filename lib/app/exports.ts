import { Exports, type ExportsOptions } from '../export/exports.ts';
import type { Downloads } from '../store/ports.ts';
import type { Log } from './log.ts';

/** Where exports are written to and handed out from: the port, and links to its files. */
export interface LinkedDownloads extends Downloads {
  /** A URL, or a path on this server, that anyone who has it may fetch for a while. */
  readonly link: ExportsOptions['link'];
}

/** How a host runs exports. */
export interface ExportHost extends Pick<ExportsOptions, 'queries' | 'start' | 'onError'> {
  readonly downloads: LinkedDownloads;
}

/** Exports of a log, for the host that starts and writes them. */
export const openExports = ({ table, ledger, nodes, logName }: Log, { downloads, ...host }: ExportHost): Exports =>
  new Exports({
    ...{ table, ledger, nodes, logName, downloads, ...host },
    link: (key, file) => downloads.link(key, file),
  });
