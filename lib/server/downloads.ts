import type { ApiResponse } from '../api/core/http.ts';
import type { FolderDownloads } from '../store/folder/downloads.ts';
import { contentDisposition } from '../store/object-key.ts';

/** Where the embedded server answers links to downloads. The token in the path is the only authorisation. */
export const DOWNLOADS_PATH = '/v1/downloads/';

/** Answers a link with its file. @throws as {@link FolderDownloads.follow} */
export async function openDownload(downloads: Pick<FolderDownloads, 'follow'>, link: string): Promise<ApiResponse> {
  const { fileName, mediaType, bytes, chunks } = await downloads.follow(link);
  const headers = {
    'content-type': mediaType,
    'content-length': String(bytes),
    'content-disposition': contentDisposition(fileName),
  };
  return { status: 200, headers, body: chunks() };
}
