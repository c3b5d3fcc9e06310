import { checkpointName } from '../../log/archive.ts';
import { type Cosigner, cosignaturesOf, cosignerFromSpki, parseAnyCosigner, spkiOf } from '../../log/cosignature.ts';
import { fromBase64, fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import type { Findings } from '../report/findings.ts';

/** ML-DSA-44 keys of logs that are trusted: a vkey counts for its trail, a PEM for every trail. */
export type MlDsaKeys = readonly { readonly spki: Uint8Array; readonly name?: string }[];

const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/g;

/**
 * Reads ML-DSA-44 keys: vkeys of type 0x06, one a line, or PEM. Any Node.js reads them, though only 24.7 and later verifies by them.
 *
 * @throws `malformed_key`
 */
export function parseMlDsaKeys(text: string): MlDsaKeys {
  const pems = [...text.matchAll(PEM)].map(([, base64 = '']) => {
    const spki = fromBase64(base64.replaceAll(/\s/g, ''), 'malformed_key', 'the key');
    return { spki: spkiOf(onlyMlDsa(cosignerFromSpki('any', spki))) };
  });
  const lines = text
    .replaceAll(PEM, '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  const vkeys = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const cosigner = onlyMlDsa(parseAnyCosigner(line));
      return { spki: spkiOf(cosigner), name: cosigner.name };
    });
  if (pems.length + vkeys.length === 0) throw malformed();
  return [...pems, ...vkeys];
}

function onlyMlDsa(cosigner: Cosigner): Cosigner {
  if (cosigner.algorithm === 'ml-dsa-44') return cosigner;
  throw malformed();
}

const malformed = (): SealtrailError =>
  new SealtrailError('malformed_key', 'an ML-DSA-44 key is a vkey of type 6, or a PEM');

/**
 * Finds the largest archived checkpoint of a trail that a trusted ML-DSA-44 key has signed: its root covers all records before. A
 * line by such a key that does not hold is damage; records that no such line covers are not proven by it.
 *
 * @param size records that are proven to be under a signed root
 * @returns records under a line that holds
 */
export async function judgeMlDsa(
  { trail, checkpoints }: TrailInventory,
  evidence: Evidence,
  keys: MlDsaKeys,
  origin: string,
  size: number,
  findings: Findings,
): Promise<number> {
  const cosigners = keys
    .filter(({ name = origin }) => name === origin)
    .map(({ spki }) => cosignerFromSpki(origin, spki));
  const uncovered = (from: number, message: string): number => {
    if (from < size) findings.add({ kind: 'no_ml_dsa_line', trail, seq: from, lastSeq: size - 1, message });
    return from;
  };
  if (cosigners.some(({ isSupported }) => !isSupported)) {
    return uncovered(0, 'not checked: this Node.js cannot verify ML-DSA-44, which takes 24.7 or later');
  }
  for (const at of checkpoints.toReversed()) {
    if (at > size) continue;
    const object = checkpointName(trail, at);
    const bytes = await evidence.read(object, trail);
    try {
      const { text, signatures } = parseNote(fromUtf8(bytes ?? new Uint8Array(), 'malformed_note', 'the note'));
      if (cosignaturesOf(text, signatures, cosigners).length > 0) return uncovered(at, UNCOVERED);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      // What is no checkpoint is reported where all are read.
      if (error.code === 'bad_signature') findings.add({ kind: 'bad_signature', trail, object, message: MISMATCH });
    }
  }
  return uncovered(0, UNCOVERED);
}

const UNCOVERED = 'no archived checkpoint that covers these records has a line by the ML-DSA-44 key';
const MISMATCH = 'the line by the log’s ML-DSA-44 key does not hold';
