import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OpenTiles } from '../lib/followers/archive/edge-tiles.ts';
import { packSegment, type Segment, SegmentCutter } from '../lib/followers/archive/segment.ts';
import {
  bundleName,
  checkpointName,
  newestCheckpointName,
  pemName,
  segmentName,
  tileName,
  vkeyName,
} from '../lib/log/archive.ts';
import { formatCheckpoint } from '../lib/log/checkpoint.ts';
import { toHex } from '../lib/log/encoding.ts';
import { leafHash, ZERO_HASH } from '../lib/log/hash.ts';
import { formatNote, pemOf, verifierFromSpki } from '../lib/log/note.ts';
import { recordLine } from '../lib/log/record.ts';
import { encodeBundle, encodeTile, TILE_WIDTH } from '../lib/log/tile.ts';
import { KeyFileSigner } from '../lib/store/keyfile/signer.ts';
import { MemoryTable } from '../lib/testing/memory/table.ts';
import type { Figure } from './report.ts';

/** Offline verification of an archive in a folder, as with `sealtrail verify`. Record lines have about 600 bytes. */

const TRAIL = 'bench';
const ORIGIN = `bench.example.com/${TRAIL}`;
/** Records between two checkpoints, and where a segment ends on the way: the archiver's defaults. */
const RUN = 50_000;
const SEGMENT = { records: 50_000, bytes: 16_000_000 };

/** An archive to be verified, alone in a folder. */
export interface BenchArchive {
  readonly folder: string;
  /** File of the public key in PEM. */
  readonly key: string;
  /** File of the public key as others' tools take it (C2SP signed-note). */
  readonly vkey: string;
  readonly trail: string;
  readonly records: number;
  /** Of the record lines, all together. */
  readonly lineBytes: number;
}

/** Makes an archive in a temporary folder, which is the caller's to remove with the keys beside it. */
export async function makeBenchArchive(records: number): Promise<BenchArchive> {
  const work = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const [folder, key, vkey] = [join(work, 'archive'), join(work, 'key.pem'), join(work, 'log.vkey')];
  const lineBytes = await makeArchive(folder, records, key, vkey);
  return { folder, key, vkey, trail: TRAIL, records, lineBytes };
}

export async function benchVerify(records = 1_000_000): Promise<Figure[]> {
  const { folder, key, lineBytes } = await makeBenchArchive(records);
  try {
    const figures: Figure[] = [];
    const cores = availableParallelism();
    for (const workers of cores > 1 ? [1, cores] : [1]) {
      const { seconds, cpu, rssMb } = await verifyInChild(folder, key, workers);
      figures.push({
        what: `verify, ${records} records of ${Math.round(lineBytes / records)} bytes, ${workers} worker(s)`,
        goal: workers === 1 ? '200,000 records/s on one core' : 'see npm run bench:peers; under 200 MB',
        measured: {
          'records/s': Math.round(records / seconds),
          'records/s of CPU': Math.round(records / cpu),
          'peak RSS MB': rssMb,
        },
      });
    }
    return figures;
  } finally {
    await rm(dirname(folder), { recursive: true, force: true });
  }
}

interface Run {
  readonly records: number;
  /** Wall clock. */
  readonly seconds: number;
  /** Seconds of processor time. */
  readonly cpu: number;
  readonly rssMb: number;
}

/** Verifies in a separate process, to measure its memory; on one core for one worker. */
async function verifyInChild(archive: string, key: string, workers: number): Promise<Run> {
  const pin = workers === 1 && process.platform === 'linux' ? ['taskset', '-c', '0'] : [];
  const program = join(import.meta.dirname, 'verify-run.ts');
  const [command = '', ...args] = [...pin, process.execPath, program, archive, key, String(workers)];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output);
}

/** Writes an archive like the archiver, without a ledger and without waiting for the disk. @returns bytes of the lines */
async function makeArchive(folder: string, records: number, keyFile: string, vkeyFile: string): Promise<number> {
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  };
  const signer = await KeyFileSigner.create(join(dirname(keyFile), 'signer.pem'), 'ed25519');
  const verifier = verifierFromSpki(ORIGIN, await signer.publicKey());
  const id = verifier.keyId.toString(16).padStart(8, '0');
  await put(pemName(id), Buffer.from(pemOf(verifier)));
  await put(vkeyName(id), Buffer.from(`${verifier.vkey}\n`));
  await writeFile(keyFile, pemOf(verifier));
  await writeFile(vkeyFile, `${verifier.vkey}\n`);
  const putSegment = async ({ receivedAt: at, first, last, raw }: Segment): Promise<void> =>
    put(segmentName(TRAIL, at, first, last), await packSegment(raw));

  const tiles = await OpenTiles.load(new MemoryTable(), TRAIL, 0);
  if (tiles === undefined) throw new RangeError('an empty tree has tiles');
  let prev = ZERO_HASH;
  let bytes = 0;
  let bundle: Uint8Array[] = [];
  let cutter = new SegmentCutter(SEGMENT, 0);
  for (let seq = 0; seq < records; seq++) {
    const line = Buffer.from(lineOf(seq, toHex(prev)));
    prev = leafHash(line);
    bytes += line.length;
    bundle.push(line);
    const segment = cutter.add(line, receivedAt(seq));
    if (segment !== undefined) await putSegment(segment);
    for (const { tile, hashes } of tiles.add(prev)) await put(tileName(TRAIL, tile), encodeTile(hashes));
    if (bundle.length === TILE_WIDTH) {
      await put(bundleName(TRAIL, (seq + 1) / TILE_WIDTH - 1, TILE_WIDTH), encodeBundle(bundle));
      bundle = [];
    }
    if ((seq + 1) % RUN !== 0 && seq + 1 !== records) continue;
    const rest = cutter.finish();
    if (rest !== undefined) await putSegment(rest);
    cutter = new SegmentCutter(SEGMENT, seq + 1);
    const text = formatCheckpoint({ origin: ORIGIN, size: seq + 1, root: tiles.root() });
    const signature = { name: ORIGIN, keyId: verifier.keyId, signature: await signer.sign(Buffer.from(text)) };
    const note = Buffer.from(formatNote(text, [signature]));
    await put(checkpointName(TRAIL, seq + 1), note);
    if (seq + 1 === records) await put(newestCheckpointName(TRAIL), note);
  }
  for (const { tile, hashes } of tiles.partial()) await put(tileName(TRAIL, tile), encodeTile(hashes));
  if (bundle.length > 0) {
    await put(bundleName(TRAIL, Math.floor(records / TILE_WIDTH), bundle.length), encodeBundle(bundle));
  }
  return bytes;
}

const receivedAt = (seq: number): number => Date.UTC(2026, 10, 21) + Math.floor(seq / 10);

/** A record line of about 600 bytes that compresses like a real one: hashes and random IDs among repeated words. */
function lineOf(seq: number, prev: string): string {
  const random = hash('sha1', String(seq));
  const [id, request] = [random.slice(0, 12), random.slice(16, 32)];
  const event =
    `{"action":"update","actor":{"id":"user-${seq % 997}","ip":"203.0.113.${seq % 250}","type":"user"},"context":{"request":"${request}",` +
    `"session":"s-${seq % 4999}","tenant":"tenant-${seq % 17}"},"details":{"amount":${seq % 1000},"currency":"EUR","note":"${'invoice corrected; '.repeat(4)}"},` +
    `"id":"0195a0b2-7c3d-7e4f-8a1b-${id}","outcome":"success","resource":{"id":"inv-${seq}","type":"invoice"},"severity":"info","type":"data.update"}`;
  return recordLine(
    { trail: TRAIL, seq, prev, receivedAt: receivedAt(seq), submitter: 'arn:aws:iam::123456789012:role/app' },
    event,
  );
}
