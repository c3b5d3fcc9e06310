import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ApiResponse } from '../../api/core/http.ts';
import { SealtrailError } from '../../log/error.ts';

/** The console's static files, as whoever serves it answers them. They are the same for everybody and hold no data. */

/** Where the console is, and where it would be without the slash that its own files need. */
export const CONSOLE_PATH = '/console/';

/** The output folder of `npm run build:console`: beside the sources, or beside what they were compiled to. */
const FOLDER = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../../dist/console' : '../../../console',
);

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/**
 * Nothing but the console's own files runs, nothing is loaded from elsewhere, nothing may frame it, and no script can be made
 * of text (Content Security Policy Level 3, Trusted Types).
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'connect-src', 'img-src'].map((what) => `${what} 'self'`),
  ...['base-uri', 'form-action', 'frame-ancestors'].map((what) => `${what} 'none'`),
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // Asked for again each time, and answered with 304 while it is the same: a new version shows at once.
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
} as const;

interface File {
  readonly etag: string;
  readonly type: string;
  readonly plain: Uint8Array;
  readonly packed: Uint8Array;
}

const files = new Map<string, Promise<File>>();

/** True if a path, without its query, is one of the console's. */
export const isConsolePath = (path: string): boolean => path === '/console' || path.startsWith(CONSOLE_PATH);

/**
 * Answers a path of the console.
 *
 * @param headers of the request, by lower-case name
 * @throws `not_found`
 */
export async function consoleFile(
  path: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Promise<ApiResponse> {
  if (path === '/console') return { status: 308, headers: { ...HEADERS, location: CONSOLE_PATH }, body: '' };
  const name = path.slice(CONSOLE_PATH.length) || 'index.html';
  if (!Object.hasOwn(TYPES, name)) throw new SealtrailError('not_found', 'the console has no such file');
  const { etag, type, plain, packed } = await fileOf(name);
  if (headers['if-none-match'] === etag) return { status: 304, headers: { ...HEADERS, etag }, body: '' };
  const isPacked = String(headers['accept-encoding'] ?? '').includes('gzip');
  return {
    status: 200,
    headers: { ...HEADERS, etag, 'content-type': type, ...(isPacked && { 'content-encoding': 'gzip' }) },
    body: isPacked ? packed : plain,
  };
}

function fileOf(name: string): Promise<File> {
  const known = files.get(name);
  if (known !== undefined) return known;
  const reading = read(name);
  files.set(name, reading);
  // What is not there may be built while this runs.
  reading.catch(() => files.delete(name));
  return reading;
}

async function read(name: string): Promise<File> {
  try {
    const plain = await readFile(join(FOLDER, name));
    const packed = await promisify(gzip)(plain, { level: 9 });
    return { etag: `"${hash('sha256', plain, 'hex').slice(0, 32)}"`, type: TYPES[name] ?? '', plain, packed };
  } catch (cause) {
    throw new SealtrailError('not_found', 'the console is not built here: run npm run build:console', { cause });
  }
}
