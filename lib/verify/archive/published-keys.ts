import { pemName, vkeyName } from '../../log/archive.ts';
import { parseAnyCosigner } from '../../log/cosignature.ts';
import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseVkey, pemOf, splitVkey, type Verifier } from '../../log/note.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { keyIdText } from '../evidence/trust.ts';
import { type Findings, quoted } from '../report/findings.ts';

/** The public keys that the archive holds. Nothing is trusted for standing here. */
export interface ArchiveKeys {
  readonly verifiers: readonly Verifier[];
  /** Key IDs, 8 hex digits, of which both files are there. */
  readonly complete: ReadonlySet<string>;
}

/** Reads the key files and reports those that are not what their name says. */
export async function readArchiveKeys(
  files: ReadonlySet<string>,
  evidence: Evidence,
  findings: Findings,
): Promise<ArchiveKeys> {
  const verifiers: Verifier[] = [];
  const complete = new Set<string>();
  const ids = new Set([...files].map((file) => file.slice(0, 8)));
  for (const id of [...ids].sort()) {
    const has = { vkey: files.has(`${id}.vkey`), pem: files.has(`${id}.pem`) };
    if (has.vkey && has.pem) complete.add(id);
    else {
      const object = has.vkey ? pemName(id) : vkeyName(id);
      findings.add({ kind: 'missing_key', object, message: `a key has two files, and this one is missing` });
    }
    const verifier = has.vkey ? await readVkey(id, evidence, findings) : undefined;
    if (verifier === undefined) continue;
    verifiers.push(verifier);
    if (has.pem) await checkPem(id, verifier, evidence, findings);
  }
  return { verifiers, complete };
}

async function readVkey(id: string, evidence: Evidence, findings: Findings): Promise<Verifier | undefined> {
  const object = vkeyName(id);
  const bytes = await evidence.read(object, undefined, 'missing_key');
  if (bytes === undefined) return undefined;
  try {
    const text = fromUtf8(bytes, 'malformed_key', 'the vkey');
    if (!text.endsWith('\n')) throw new SealtrailError('malformed_key', 'a vkey file ends with a newline');
    const vkey = text.slice(0, -1);
    if (splitVkey(vkey).typed[0] === ML_DSA_TYPE) return void readMlDsaVkey(id, vkey);
    const verifier = parseVkey(vkey);
    if (keyIdText(verifier.keyId) === id) return verifier;
    findings.add({ kind: 'malformed_key', object, message: `the file holds the key ${keyIdText(verifier.keyId)}` });
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    findings.add({ kind: 'malformed_key', object, message: error.message });
  }
  return undefined;
}

/** Note type of ML-DSA-44 (C2SP tlog-cosignature). */
const ML_DSA_TYPE = 0x06;

/** A copy for convenience, of a key that signs beside the others. @throws `malformed_key` */
function readMlDsaVkey(id: string, vkey: string): void {
  const { keyId } = parseAnyCosigner(vkey);
  if (keyIdText(keyId) === id) return;
  throw new SealtrailError('malformed_key', `the file holds the key ${keyIdText(keyId)}`);
}

async function checkPem(id: string, verifier: Verifier, evidence: Evidence, findings: Findings): Promise<void> {
  const object = pemName(id);
  const bytes = await evidence.read(object, undefined, 'missing_key');
  if (bytes === undefined || Buffer.from(pemOf(verifier)).equals(bytes)) return;
  findings.add({ kind: 'malformed_key', object, message: 'the file does not hold the same key as the vkey beside it' });
}

/** Checks that the keys are this log's. Whether their trails are there is judged with the other evidence of trails. */
export function checkKeyNames(keys: ArchiveKeys, logName: string, findings: Findings): void {
  for (const { name, keyId } of keys.verifiers) {
    const trail = name.startsWith(`${logName}/`) ? name.slice(logName.length + 1) : '';
    if (isTrailName(trail) || isSystemTrailName(trail)) continue;
    const message = `the key is named ${quoted(name)}, which is no trail of ${quoted(logName)}`;
    findings.add({ kind: 'malformed_key', object: vkeyName(keyIdText(keyId)), message });
  }
}
