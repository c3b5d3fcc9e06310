import { hash } from 'node:crypto';
import type { ExportManifest } from '../../contract/exports.ts';
import { canonicalJson } from '../../json/canonical.ts';

/** The digest of a manifest that the log states: SHA-256 of its canonical JSON (RFC 8785) without the statement itself, in hex. */
export function manifestDigest({ statement: _, ...manifest }: ExportManifest): string {
  return hash('sha256', canonicalJson(manifest), 'hex');
}

/** True if records between the first and the last may have been left out. */
export const isFiltered = ({ filters, timeFrom, timeTo }: ExportManifest): boolean =>
  Object.keys(filters).length > 0 || timeFrom !== undefined || timeTo !== undefined;
