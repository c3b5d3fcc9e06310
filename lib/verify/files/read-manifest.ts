import { EXPORT_COMPRESSIONS, EXPORT_FORMATS, type ExportManifest } from '../../contract/exports.ts';
import { MASKED_FILTERS } from '../../contract/query.ts';
import { SealtrailError } from '../../log/error.ts';
import { isCount, isObject } from '../../log/json.ts';

/**
 * Reads the manifest of an export, as strictly as it is written (docs/spec.md, "Exports"). A verifier carries no schema library,
 * in a browser least of all; a test holds this to the log's own schema.
 *
 * @throws `malformed_proof`, naming the member
 */
export function readManifest(value: unknown): ExportManifest {
  const manifest = object('the manifest', value, MANIFEST);
  // The cast: each member was read by the type that the contract gives it.
  return manifest as unknown as ExportManifest;
}

type Read = (name: string, value: unknown) => unknown;
interface Members {
  readonly [name: string]: { readonly read: Read; readonly isOptional?: true };
}

const text: Read = (name, value) => (typeof value === 'string' ? value : refuse(name, 'is no text'));
const count: Read = (name, value) => (isCount(value) ? value : refuse(name, 'is no count'));
/** Periods may begin before 1970. */
const time: Read = (name, value) => (Number.isSafeInteger(value) ? value : refuse(name, 'is no whole number'));
const sha256: Read = (name, value) =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : refuse(name, 'is no SHA-256 in hex');
const oneOf =
  (words: readonly unknown[]): Read =>
  (name, value) =>
    words.includes(value) ? value : refuse(name, `is none of ${words.join(', ')}`);
const members =
  (of: Members): Read =>
  (name, value) =>
    object(name, value, of);
const lists: Read = (name, value) => {
  if (!isObject(value)) return refuse(name, 'is no object');
  for (const [filter, values] of Object.entries(value)) {
    const isList = Array.isArray(values) && values.every((one) => typeof one === 'string');
    if (!isList) refuse(`${name}.${filter}`, 'is no list of texts');
  }
  return value;
};

const listOf =
  (read: Read): Read =>
  (name, value) =>
    Array.isArray(value) ? Array.from(value, (one) => read(name, one)) : refuse(name, 'is no list');

const must = (read: Read) => ({ read });
const may = (read: Read) => ({ read, isOptional: true }) as const;

const MANIFEST: Readonly<Record<keyof ExportManifest, Members[string]>> = {
  v: must(oneOf([1])),
  id: must(text),
  log: must(text),
  trail: must(text),
  format: must(oneOf(EXPORT_FORMATS)),
  compression: must(oneOf(EXPORT_COMPRESSIONS)),
  filters: must(lists),
  masked: may(
    listOf(members({ filter: must(oneOf(MASKED_FILTERS)), asked: must(text), as: must(text), shared: may(text) })),
  ),
  from: may(time),
  to: may(time),
  timeFrom: may(time),
  timeTo: may(time),
  seqs: may(members({ from: must(count), to: must(count) })),
  records: must(count),
  first: may(count),
  last: may(count),
  checkpoint: must(text),
  file: must(members({ bytes: must(count), sha256: must(sha256) })),
  proof: may(members({ hashes: must(count), sha256: must(sha256) })),
  complete: may(members({ bytes: must(count), sha256: must(sha256) })),
  requestedBy: must(text),
  requestedAt: must(count),
  finishedAt: must(count),
  statement: may(members({ record: must(text), proof: must(text) })),
};

function object(name: string, value: unknown, of: Members): Record<string, unknown> {
  if (!isObject(value)) return refuse(name, 'is no object');
  for (const [member, { read, isOptional }] of Object.entries(of)) {
    if (Object.hasOwn(value, member)) read(member, value[member]);
    else if (!isOptional) refuse(member, 'is missing');
  }
  for (const member of Object.keys(value)) if (!Object.hasOwn(of, member)) refuse(member, 'is not known');
  return value;
}

function refuse(name: string, why: string): never {
  throw new SealtrailError('malformed_proof', `the manifest is not one of an export: ${name} ${why}`);
}
