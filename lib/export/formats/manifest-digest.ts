import { hash } from 'node:crypto';
import type { ExportManifest } from '../../contract/exports.ts';
import { canonicalJson } from '../../json/canonical.ts';

/** What the log states of a manifest: SHA-256 of its canonical JSON (RFC 8785) without the statement itself, in hex. */
export function manifestDigest({ statement: _, ...manifest }: ExportManifest): string {
  return hash('sha256', canonicalJson(manifest), 'hex');
}

/** Whether records between the first and the last may have been left out. */
export const isFiltered = ({ filters, timeFrom, timeTo }: ExportManifest): boolean =>
  Object.keys(filters).length > 0 || timeFrom !== undefined || timeTo !== undefined;
