import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { utcDate } from '../../log/archive.ts';
import { parseTilePath, type TilePath } from '../../log/tile.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import { isObjectKey } from '../../store/object-key.ts';

/** A segment of records: `first` to `last`, both inclusive, received on the UTC day that begins at `day` (Unix ms). */
export interface SegmentName {
  readonly first: number;
  readonly last: number;
  readonly day: number;
}

/** The object that a key of the archive names (design: Archive). `unknown`: nothing that an archive holds. `bad`: no key at all. */
export type ArchiveName =
  | { readonly kind: 'newest'; readonly trail: string }
  | { readonly kind: 'checkpoint'; readonly trail: string; readonly size: number }
  /** A checkpoint with cosignatures; of the trail of heads alone. */
  | { readonly kind: 'witnessed'; readonly trail: string; readonly size: number }
  /** A time-stamp over the checkpoint of a size. */
  | { readonly kind: 'timestamp'; readonly trail: string; readonly size: number }
  | { readonly kind: 'segment'; readonly trail: string; readonly segment: SegmentName }
  | { readonly kind: 'tile'; readonly trail: string; readonly tile: TilePath }
  | { readonly kind: 'key'; readonly keyId: string; readonly form: 'vkey' | 'pem' }
  | { readonly kind: 'unknown'; readonly trail?: string }
  | { readonly kind: 'bad' };

const KEY_FILE = /^keys\/([0-9a-f]{8})\.(vkey|pem)$/;
const CHECKPOINT = /^checkpoints\/(0|[1-9][0-9]{0,15})$/;
const TIMESTAMP = /^checkpoints\/(0|[1-9][0-9]{0,15})\.tsr$/;
const WITNESSED = /^witnessed\/(0|[1-9][0-9]{0,15})$/;
const SEGMENT = /^records\/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})\/([0-9]{16})-([0-9]{16})\.jsonl\.gz$/;

/** Reads a key. Every name has one spelling only: `checkpoints/07` is unknown. */
export function parseArchiveName(key: string): ArchiveName {
  if (!isObjectKey(key)) return { kind: 'bad' };
  const file = KEY_FILE.exec(key);
  if (file !== null) return { kind: 'key', keyId: file[1] ?? '', form: file[2] === 'pem' ? 'pem' : 'vkey' };
  const slash = key.indexOf('/');
  const trail = key.slice(0, Math.max(slash, 0));
  if (!isTrailName(trail) && !isSystemTrailName(trail)) return { kind: 'unknown' };
  return parseTrailName(trail, key.slice(slash + 1)) ?? { kind: 'unknown', trail };
}

function parseTrailName(trail: string, name: string): ArchiveName | undefined {
  if (name === 'checkpoint') return { kind: 'newest', trail };
  const checkpoint = CHECKPOINT.exec(name);
  if (checkpoint !== null) return withSize('checkpoint', trail, checkpoint[1]);
  const timestamp = TIMESTAMP.exec(name);
  if (timestamp !== null) return withSize('timestamp', trail, timestamp[1]);
  const witnessed = WITNESSED.exec(name);
  if (witnessed !== null) return trail === HEADS_TRAIL ? withSize('witnessed', trail, witnessed[1]) : undefined;
  const segment = SEGMENT.exec(name);
  if (segment !== null) return parseSegment(trail, segment[1] ?? '', Number(segment[2]), Number(segment[3]));
  const tile = parseTilePath(name);
  return tile === undefined ? undefined : { kind: 'tile', trail, tile };
}

function withSize(
  kind: 'checkpoint' | 'witnessed' | 'timestamp',
  trail: string,
  digits: string | undefined,
): ArchiveName | undefined {
  const size = Number(digits);
  return Number.isSafeInteger(size) ? { kind, trail, size } : undefined;
}

function parseSegment(trail: string, date: string, first: number, last: number): ArchiveName | undefined {
  const day = Date.parse(`${date}T00:00:00Z`);
  // Some readers take 31 June for 1 July.
  if (Number.isNaN(day) || utcDate(day) !== date) return undefined;
  if (last < first || !Number.isSafeInteger(last)) return undefined;
  return { kind: 'segment', trail, segment: { first, last, day } };
}
