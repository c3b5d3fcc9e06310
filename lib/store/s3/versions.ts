import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import type { ObjectVersion } from '../ports.ts';
import { keyReader } from './keys.ts';

type Page = Pick<ListObjectVersionsCommandOutput, 'Versions' | 'DeleteMarkers' | 'EncodingType'>;

/**
 * The entries of one page of a listing in the port's order. S3 lists versions and delete markers by key, newest first; the
 * SDK splits them into two lists, each still in that order.
 *
 * @param rootLength length of the prefix to strip from the keys
 */
export function mergeVersions(page: Page, rootLength: number): ObjectVersion[] {
  const keyOf = keyReader(page.EncodingType, rootLength);
  const versions = (page.Versions ?? []).map((entry) => ({ ...entry, isDeleteMarker: false }));
  const markers = (page.DeleteMarkers ?? []).map((entry) => ({ ...entry, Size: 0, isDeleteMarker: true }));
  const entries = [...versions, ...markers].map(
    ({ Key, Size = 0, VersionId = 'null', IsLatest = false, LastModified, isDeleteMarker }): ObjectVersion => ({
      key: keyOf(Key),
      size: Size,
      version: VersionId,
      isLatest: IsLatest,
      isDeleteMarker,
      modifiedAt: LastModified?.getTime() ?? 0,
    }),
  );
  // Sorting is stable: versions of one second stay in listed order, newest first. The SDK loses a marker's place among them;
  // since a marker exists to hide something, it counts as newer and never as the oldest version.
  return entries.sort(
    (a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) ||
      Number(b.isLatest) - Number(a.isLatest) ||
      b.modifiedAt - a.modifiedAt ||
      Number(b.isDeleteMarker) - Number(a.isDeleteMarker),
  );
}
