import { createHash, randomUUID } from 'node:crypto';
import { access, constants, lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXPORT_STATES, type ExportManifest, type ExportReply, type FileDigest } from '../../contract/exports.ts';
import { SealtrailError } from '../../log/error.ts';
import { isCount, isObject } from '../../log/json.ts';
import { syncFolder } from '../event/durable.ts';
import type { SignedHttp } from '../http/http.ts';
import { percentEncode } from '../http/percent-encode.ts';

/** Milliseconds between two looks at an export. */
const FIRST_LOOK_MS = 50;
const LOOK_MS = 1_000;

/** Asks for an export, with filters named as in a query. Under a key, so that a request whose answer is lost makes no second one. */
export async function askForExport(
  http: SignedHttp,
  trail: string,
  request: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<ExportReply> {
  const body = JSON.stringify(request);
  const headers = { 'idempotency-key': randomUUID() };
  return parseExport(await http.send({ method: 'POST', path: exportsPath(trail), body, headers, signal }));
}

/**
 * Waits for an export to be done.
 *
 * @param onLook called after every look, the last one included
 * @throws `unavailable` when it failed or its time is over, saying why
 */
export async function awaitExport(
  http: SignedHttp,
  trail: string,
  id: string,
  signal: AbortSignal,
  onLook: (found: ExportReply) => void = () => undefined,
): Promise<ExportReply> {
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(LOOK_MS, pause * 2)) {
    const found = parseExport(await http.send({ path: `${exportsPath(trail)}/${id}`, signal }));
    onLook(found);
    if (found.state === 'done') return found;
    if (found.state === 'failed' || found.state === 'expired') {
      const why = found.error === undefined ? 'what was exported is no longer kept' : found.error.message;
      throw new SealtrailError('unavailable', `export ${id} of trail ${trail}: ${why}`);
    }
    await sleep(pause, undefined, { signal });
  }
}

/** The files that an export is kept in. */
export interface ExportFiles {
  readonly file: string;
  readonly manifest: string;
  /** Present where there is a proof to keep. */
  readonly proof?: string;
  /** Present where there is a proof that no record is left out. */
  readonly complete?: string;
}

/** Where the manifest and the proofs of an exported file are. */
export const manifestFileOf = (file: string): string => `${file}.manifest.json`;
export const proofFileOf = (file: string): string => `${file}.proof`;
export const completeFileOf = (file: string): string => `${file}.complete`;

/** @throws `usage` when something stands already where an export is to be kept, or nothing can be written there */
export async function assertFree(file: string): Promise<void> {
  const folder = dirname(file);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new SealtrailError('usage', `${folder} is no folder that can be written to`, { cause });
  });
  for (const path of [file, manifestFileOf(file), proofFileOf(file), completeFileOf(file)]) {
    const exists = await lstat(path).then(
      () => true,
      () => false,
    );
    if (exists) throw new SealtrailError('usage', `${path} is there already: choose another name, or remove it`);
  }
}

/**
 * Downloads a finished export and checks it against its manifest. Everything is written under other names first, and the
 * exported file gets its name last: where it is, the rest is too.
 *
 * @throws `proof_mismatch` when what came is not what the manifest says; `usage` when it cannot be written; `unavailable`
 */
export async function keepExport(
  http: SignedHttp,
  { manifest, links }: ExportReply,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<ExportFiles> {
  if (manifest === undefined || links === undefined) {
    throw new SealtrailError('unavailable', 'the server gave no link to what was exported');
  }
  const parts: (readonly [unfinished: string, path: string])[] = [];
  const unfinished = (name: string): string => {
    const part = `${name}.unfinished-${randomUUID()}`;
    parts.push([part, name]);
    return part;
  };
  const fetchTo = async (link: string, name: string, demanded: FileDigest): Promise<void> => {
    const got = await download(new URL(link, http.endpoint), unfinished(name), signal, onBytes);
    if (got.bytes !== demanded.bytes || got.sha256 !== demanded.sha256) {
      throw new SealtrailError('proof_mismatch', `what was downloaded for ${name} is not what its manifest says`);
    }
  };
  try {
    const { proof, complete, file } = manifest;
    const hasProof = proof !== undefined && proof.hashes > 0;
    if (hasProof && links.proof === undefined) throw new SealtrailError('unavailable', 'the server gave no proof');
    if (hasProof)
      await fetchTo(links.proof ?? '', proofFileOf(path), { bytes: proof.hashes * 32, sha256: proof.sha256 });
    if (complete !== undefined && links.complete === undefined) {
      throw new SealtrailError('unavailable', 'the server gave no link to the proof that no record is left out');
    }
    if (complete !== undefined) await fetchTo(links.complete ?? '', completeFileOf(path), complete);
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeFile(unfinished(manifestFileOf(path)), text, { flag: 'wx', flush: true });
    await fetchTo(links.file, path, file);
    for (const [part, name] of parts) await rename(part, name);
    await syncFolder(dirname(path));
    return {
      ...{ file: path, manifest: manifestFileOf(path) },
      ...(hasProof && { proof: proofFileOf(path) }),
      ...(complete !== undefined && { complete: completeFileOf(path) }),
    };
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new SealtrailError('usage', `cannot write ${path}: ${cause.message}`, { cause });
  } finally {
    for (const [part] of parts) await rm(part, { force: true });
  }
}

async function download(
  url: URL,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<FileDigest> {
  const answer = await fetch(url, { signal }).catch((cause: unknown) => {
    throw new SealtrailError('unavailable', `cannot reach ${url.host} for the exported file`, { cause });
  });
  if (!answer.ok || answer.body === null) {
    throw new SealtrailError('unavailable', `${url.host} answered ${answer.status} where the exported file should be`);
  }
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of received(answer.body, url, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk);
      onBytes(bytes);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function* received(
  body: ReadableStream<Uint8Array>,
  url: URL,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* body;
  } catch (cause) {
    signal.throwIfAborted();
    throw new SealtrailError('unavailable', `${url.host} broke off in the middle of the exported file`, { cause });
  }
}

const exportsPath = (trail: string): string => `/v1/trails/${percentEncode(trail)}/exports`;

function parseExport(answer: { json(): unknown }): ExportReply {
  const value = answer.json();
  if (isExport(value)) return value;
  throw new SealtrailError('unavailable', 'the server described an export in a way that this version does not know');
}

/** Checks the members that are acted upon; the rest is passed on at the server's word. */
function isExport(value: unknown): value is ExportReply {
  if (!isObject(value) || typeof value.id !== 'string' || !/^[0-9a-f]{32}$/.test(value.id)) return false;
  const { state, progress, error, manifest, links } = value;
  return (
    EXPORT_STATES.some((known) => known === state) &&
    (progress === undefined || (isObject(progress) && [progress.records, progress.at, progress.of].every(isCount))) &&
    (error === undefined || (isObject(error) && typeof error.message === 'string')) &&
    (manifest === undefined || isManifest(manifest)) &&
    (links === undefined || (isObject(links) && typeof links.file === 'string'))
  );
}

function isManifest(value: unknown): value is ExportManifest {
  if (!isObject(value)) return false;
  const { records, file, proof, complete } = value;
  return (
    isCount(records) &&
    isDigest(file) &&
    (complete === undefined || isDigest(complete)) &&
    (proof === undefined || (isObject(proof) && isCount(proof.hashes) && typeof proof.sha256 === 'string'))
  );
}

const isDigest = (value: unknown): boolean =>
  isObject(value) && isCount(value.bytes) && typeof value.sha256 === 'string';
