import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ApiResponse } from '../api/http.ts';
import type { LinkedFile } from '../export/exports.ts';
import { SealtrailError } from '../log/error.ts';
import type { FolderDownloads } from '../store/folder/downloads.ts';

/** Where downloads are on the embedded server: the one place that asks for no signature but the link's own. */
export const DOWNLOADS_PATH = '/v1/downloads/';

/** Longer than any token of ours. */
const MAX_TOKEN = 2048;

/** What a link says: which file, under which name and type, and until when (Unix milliseconds). */
type Claim = readonly [key: string, fileName: string, mediaType: string, until: number];

/**
 * Links to downloads of the embedded server. A token holds its claim in JSON, then
 * HMAC-SHA-256(secret, "sealtrail download" 0x00 the JSON), both in base64url without padding (RFC 4648 section 5) with a
 * dot between them: nobody can make one, or make one last longer.
 */
export class DownloadLinks {
  readonly #secret: Uint8Array;
  readonly #downloads: Pick<FolderDownloads, 'read'>;
  readonly #now: () => number;

  /** @param secret at least 16 bytes, which outlive the process */
  constructor(secret: Uint8Array, downloads: Pick<FolderDownloads, 'read'>, now: () => number = Date.now) {
    if (secret.length < 16) throw new RangeError(`a secret of links has at least 16 bytes, not ${secret.length}`);
    this.#secret = secret;
    this.#downloads = downloads;
    this.#now = now;
  }

  /** A path on the server that whoever has it may fetch for so many seconds. */
  link(key: string, { fileName, mediaType, seconds }: LinkedFile): string {
    const claim: Claim = [key, fileName, mediaType, this.#now() + seconds * 1000];
    const payload = Buffer.from(JSON.stringify(claim));
    return `${DOWNLOADS_PATH}${payload.toString('base64url')}.${this.#mac(payload).toString('base64url')}`;
  }

  /**
   * The file that a link leads to.
   *
   * @throws `forbidden` for what is no link of ours or is over, `not_found` when the file is gone
   */
  async open(path: string): Promise<ApiResponse> {
    const [key, fileName, mediaType] = this.#claimOf(path.slice(DOWNLOADS_PATH.length));
    const file = await this.#downloads.read(key);
    if (file === undefined) throw new SealtrailError('not_found', 'what this link led to is gone');
    const headers = {
      'content-type': mediaType,
      'content-length': String(file.bytes),
      'content-disposition': `attachment; filename="${fileName}"`,
    };
    return { status: 200, headers, body: file.chunks() };
  }

  #claimOf(token: string): Claim {
    const [encoded = '', mac = '', ...more] = token.slice(0, MAX_TOKEN).split('.');
    const payload = Buffer.from(encoded, 'base64url');
    const given = Buffer.from(mac, 'base64url');
    const made = this.#mac(payload);
    const isOurs = given.length === made.length && timingSafeEqual(given, made);
    // Base64url can write the same bytes in several ways; a link has one.
    const isWritten = `${payload.toString('base64url')}.${given.toString('base64url')}` === token;
    if (!isOurs || !isWritten || more.length > 0) throw refused();
    const claim: Claim = JSON.parse(payload.toString()); // ours, as the code says
    if (this.#now() >= claim[3]) throw refused();
    return claim;
  }

  #mac(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update('sealtrail download\0').update(payload).digest();
  }
}

const refused = (): SealtrailError =>
  new SealtrailError(
    'forbidden',
    'this link is not one of this server, or its time is over: look at the export for a new one',
  );
