import { constants, gunzipSync } from 'node:zlib';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { toBase64, toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../log/frontier.ts';
import { HASH_BYTES, leafHash } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import { parseProof } from '../../log/proof.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { decodeBundle, decodeTile, parseTilePath, TILE_WIDTH } from '../../log/tile.ts';
import { fingerprintOf, keyIdText, parseTrustedKeys } from '../../verify/evidence/trust.ts';

/** The description of a log's file, for people and programs. It is described as it stands; nothing is verified. */
export interface Description {
  readonly kind:
    | 'checkpoint'
    | 'note'
    | 'proof'
    | 'keys'
    | 'segment'
    | 'bundle'
    | 'tile'
    | 'record'
    | 'receipt'
    | 'consistency proof'
    | 'export manifest';
  /** Names and values in the order in which to show them. */
  readonly fields: Readonly<Record<string, string | number | readonly string[]>>;
  /** The record lines that it holds, where it holds any. */
  readonly lines?: readonly string[];
}

/** A segment unpacks to this many bytes at most. */
const MAX_UNPACKED = 256 * 1024 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/**
 * Describes a file by its bytes; a path that ends like a tile's (`tile/0/000.p/7`) settles what bytes alone leave open.
 *
 * @throws `invalid_parameter` for a file that is none of a log's
 * @example describeFile('orders/checkpoint', bytes); // { kind: 'checkpoint', fields: { origin: …, size: … } }
 */
export function describeFile(path: string, bytes: Uint8Array): Description {
  if (bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1]) return describeSegment(bytes);
  const place = placeOf(path);
  if (place?.kind === 'hashes') return describeTile(bytes, place.width);
  if (place?.kind === 'entries') return describeBundle(bytes);
  return describeText(bytes) ?? describeBinary(bytes);
}

/** A tile's place, where the path ends with one. */
function placeOf(path: string): ReturnType<typeof parseTilePath> {
  const at = path.replaceAll('\\', '/').lastIndexOf('tile/');
  return at < 0 ? undefined : parseTilePath(path.replaceAll('\\', '/').slice(at));
}

function describeText(bytes: Uint8Array): Description | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  if (text.startsWith('c2sp.org/tlog-proof@')) return describeProof(text);
  if (text.includes('\n\n\u2014 ')) return describeNote(text);
  if (text.startsWith('{')) return describeJson(text);
  try {
    return describeKeys(text);
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}

function describeBinary(bytes: Uint8Array): Description {
  try {
    return describeBundle(bytes);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
  }
  if (bytes.length > 0 && bytes.length % HASH_BYTES === 0 && bytes.length <= TILE_WIDTH * HASH_BYTES) {
    return describeTile(bytes, bytes.length / HASH_BYTES);
  }
  throw new SealtrailError('invalid_parameter', 'not a file of a log: no note, proof, key, record, segment or tile');
}

/** C2SP signed-note; most are checkpoints. */
function describeNote(text: string): Description {
  const note = parseNote(text);
  const signatures = note.signatures.map(({ name, keyId }) => `${name}, key ${keyIdText(keyId)}`);
  try {
    const { origin, size, root, extensions = [] } = parseCheckpoint(note.text);
    const more = extensions.length === 0 ? {} : { extensions };
    return { kind: 'checkpoint', fields: { origin, size, root: toBase64(root), ...more, signatures } };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return { kind: 'note', fields: { text: note.text.trimEnd().split('\n'), signatures } };
  }
}

function describeProof(text: string): Description {
  const { index, hashes, checkpoint } = parseProof(text);
  return { kind: 'proof', fields: { record: index, hashes: hashes.map(toBase64), ...describeNote(checkpoint).fields } };
}

function describeKeys(text: string): Description {
  const keys = parseTrustedKeys(text).map(({ name, trail, spki, from, to }) => {
    const what = name ?? (trail === undefined ? 'any trail' : `trail ${trail}`);
    const range = from === undefined && to === undefined ? '' : `, sizes ${from ?? 0} to ${to ?? 'any'}`;
    return `${what}${range}, SHA-256 of the SPKI ${fingerprintOf(spki)}`;
  });
  return { kind: 'keys', fields: { keys } };
}

function describeJson(text: string): Description | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON after all: other forms are tried.
  }
  if ('prev' in value && 'seq' in value) return describeRecord(text.replace(/\r?\n$/, ''));
  if ('checkpoints' in value && 'proof' in value) {
    const { trail, from, to, proof } = value;
    return { kind: 'consistency proof', fields: shown({ trail, from, to, hashes: proof }) };
  }
  if (typeof value.checkpoint !== 'string') return undefined;
  const { checkpoint, events, file, proof: _, ...rest } = value;
  const note = describeNote(checkpoint).fields;
  if (file !== undefined) return { kind: 'export manifest', fields: { ...shown(rest), ...note } };
  return {
    kind: 'receipt',
    fields: { ...shown(rest), ...(Array.isArray(events) ? { events: events.length } : {}), ...note },
  };
}

/** The members that can be shown in a line each. */
function shown(value: Record<string, unknown>): Description['fields'] {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => {
        if (typeof one === 'number' || typeof one === 'string') return [name, one];
        return [name, Array.isArray(one) ? one.map(String) : JSON.stringify(one)];
      }),
  );
}

function describeRecord(line: string): Description {
  const { trail, seq, receivedAt, submitter, prev, event } = parseRecord(line);
  const fields = {
    ...{ trail, seq, received: new Date(receivedAt).toISOString(), submitter },
    ...{ type: String(event.type), id: String(event.id) },
    'leaf hash (RFC 6962)': toHex(leafHash(line)),
    prev,
  };
  return { kind: 'record', fields, lines: [line] };
}

function describeSegment(bytes: Uint8Array): Description {
  let plain: Buffer;
  try {
    plain = gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', 'not a whole gzip file', { cause });
  }
  const lines = plain
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const sizes = { bytes: bytes.length, 'unpacked bytes': plain.length };
  return { kind: 'segment', fields: { ...rangeOf(lines), ...sizes }, lines };
}

function describeBundle(bytes: Uint8Array): Description {
  const entries = decodeBundle(bytes);
  const { root } = appendLeaves(EMPTY_FRONTIER, entries.map(leafHash));
  const lines = entries.map((entry) => Buffer.from(entry).toString('utf8'));
  return {
    kind: 'bundle',
    fields: { ...rangeOf(lines), bytes: bytes.length, 'root over its leaf hashes': toBase64(root) },
    lines,
  };
}

function describeTile(bytes: Uint8Array, width: number): Description {
  const hashes = decodeTile(bytes, width);
  const root = frontierRoot(appendLeaves(EMPTY_FRONTIER, hashes).frontier);
  return { kind: 'tile', fields: { width, 'root over its hashes': toBase64(root), hashes: hashes.map(toBase64) } };
}

/** Where consecutive records lie. */
function rangeOf(lines: readonly string[]): Description['fields'] {
  const first = lines[0];
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return { records: 0 };
  const [from, to] = [parseRecord(first), parseRecord(last)];
  return {
    trail: from.trail,
    records: lines.length,
    ...{ first: from.seq, last: to.seq, received: timesOf(from, to) },
  };
}

const timesOf = (from: SealedRecord, to: SealedRecord): string =>
  `${new Date(from.receivedAt).toISOString()} to ${new Date(to.receivedAt).toISOString()}`;
