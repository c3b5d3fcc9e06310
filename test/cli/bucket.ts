import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';

/**
 * Serves a folder as S3 serves a bucket, as far as a reader needs: ListObjectVersions and GetObject, path style. Pages are
 * short, so that paging is seen. Signatures are not checked.
 */
export async function serveAsBucket(
  folder: string,
  bucket: string,
  prefix: string,
): Promise<{ url: string; close: () => void }> {
  const objects = new Map<string, Buffer>(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !relative(folder, entry.parentPath).startsWith('.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [`${prefix}/${relative(folder, file)}`, readFileSync(file)] as const)
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const key = decodeURIComponent(url.pathname).slice(`/${bucket}/`.length);
    const bytes = objects.get(key);
    if (url.searchParams.has('versions')) {
      const after = url.searchParams.get('key-marker') ?? '';
      const wanted = url.searchParams.get('prefix') ?? '';
      const all = [...objects].filter(
        ([name]) => name.startsWith(wanted) && Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0,
      );
      const page = all.slice(0, 5);
      const more = all.length > page.length;
      const versions = page.map(
        ([name, { length }]) =>
          `<Version><Key>${name}</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-21T00:00:00.000Z</LastModified><Size>${length}</Size></Version>`,
      );
      const next = more
        ? `<NextKeyMarker>${page.at(-1)?.[0]}</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>`
        : '';
      response.end(
        `<ListVersionsResult><IsTruncated>${more}</IsTruncated>${next}${versions.join('')}</ListVersionsResult>`,
      );
    } else if (bytes === undefined) {
      response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    } else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
