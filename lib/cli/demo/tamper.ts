import { chmod, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { decodeBundle, TILE_WIDTH } from '../../log/tile.ts';

/** A change of one byte. */
export interface Tampering {
  readonly file: string;
  /** Offset of the byte in the file, 0-based. */
  readonly offset: number;
  readonly before: string;
  readonly after: string;
  /** The actor in the changed record. */
  readonly actor: string;
}

/** The start of the actor in a record line, whose keys are sorted. */
const ACTOR = '"actor":{"id":"';

/**
 * Copies an archive and changes one byte in the copy: a letter of the actor's name in one record of a trail, in the
 * entry bundle that holds it.
 */
export async function tamper(archive: string, copy: string, trail: string, seq: number): Promise<Tampering> {
  await cp(archive, copy, { recursive: true });
  const file = await bundleWith(join(copy, trail, 'tile', 'entries'), seq);
  const bundle = await readFile(file);
  const line = Buffer.from(decodeBundle(bundle)[seq % TILE_WIDTH] ?? '');
  const key = line.indexOf(ACTOR);
  if (key < 0) throw new SealtrailError('not_found', `record ${seq} of ${trail} has no actor`);
  const at = key + ACTOR.length;
  const offset = bundle.indexOf(line) + at;
  const before = String.fromCharCode(line[at] ?? 0);
  const after = before === 'M' ? 'N' : 'M';
  bundle[offset] = after.charCodeAt(0);
  // The archive's files are read-only, which stops accidents, not people.
  await chmod(file, 0o644);
  await writeFile(file, bundle);
  const actor = after + line.subarray(at + 1, line.indexOf('"', at)).toString();
  return { file, offset, before, after, actor };
}

/** The bundle of a record: a full one, or the widest partial one. Only for archives of fewer than 256,000 records. */
async function bundleWith(folder: string, seq: number): Promise<string> {
  const name = String(Math.floor(seq / TILE_WIDTH)).padStart(3, '0');
  const names = await readdir(folder);
  if (names.includes(name)) return join(folder, name);
  const partial = join(folder, `${name}.p`);
  const widths = (await readdir(partial)).map(Number).sort((a, b) => b - a);
  return join(partial, String(widths[0]));
}
