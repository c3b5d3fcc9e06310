import { randomBytes } from 'node:crypto';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { type ForwardSettings, forwardSchema } from '../forward/settings.ts';
import { issueText } from '../json/parse-or-throw.ts';
import type { RetiredKey } from '../keys/retired-key.ts';
import { assertKnown, type StoredKind, withFormat } from '../ledger/items/format.ts';
import { SealtrailError } from '../log/error.ts';
import { sameBytes } from '../log/hash.ts';
import { isObject } from '../log/json.ts';
import { replaceFile, syncFolder } from '../store/durable-file.ts';
import { KeyFileSigner } from '../store/keyfile/signer.ts';
import {
  type Access,
  accessSchema,
  firstAccess,
  firstProfiles,
  formatCredentials,
  type Profile,
  parseCredentials,
} from './access.ts';
import {
  CONFIG_SCHEMA_FILE,
  type Config,
  configFileSchema,
  configJsonSchema,
  givenConfigSchema,
  type StartSettings,
  withSettings,
} from './config-file.ts';
import { retiredKeysFile, retiredKeysFrom, retiredKeysSchema } from './retired-keys-file.ts';

/** The settings and secrets of a data folder. */
export interface DataFolder {
  readonly dir: string;
  readonly config: Config;
  readonly access: Access;
  readonly profiles: readonly Profile[];
  /** The keys that sign: one, and while keys are rotated the next one beside it. */
  readonly signers: readonly KeyFileSigner[];
  /** The keys that signed once. */
  readonly retired: readonly RetiredKey[];
  /** The credentials file, for `AWS_SHARED_CREDENTIALS_FILE`. */
  readonly credentialsFile: string;
}

/** A name of its own for a new log: witnesses and key lists know a log by its name, so no two may share one. */
const ownName = (): string => `${randomBytes(8).toString('hex')}.sealtrail.local`;

/** The known state of a data folder before its files are read. */
export interface DataFolderOptions {
  /** The log's name for a new folder, or else the one that it must have. @default for a new folder a random one */
  readonly logName?: string | undefined;
  /** True if there are records. They depend on the log's name and key, which are then never made anew. */
  readonly hasRecords: boolean;
  /** Settings of this start. */
  readonly settings?: StartSettings;
}

/**
 * Reads a data folder's files, and makes those that are not there. A crash in between leaves whole files only, and the next
 * start makes the rest. The caller has made sure that no other process does the same. To make new access keys for
 * everybody, `credentials` and `access.json` are removed together.
 *
 * @throws `invalid_parameter` naming the file and field that is not right, `not_found` when a file is missing that must
 *   not be made anew, `usage` when a log name is given that is not the folder's, and what the key file's driver throws
 */
export async function openDataFolder(
  dir: string,
  { logName, hasRecords, settings = {} }: DataFolderOptions,
): Promise<DataFolder> {
  const configFile = join(dir, 'config.json');
  const keyFile = signingKeyFile(dir);
  if (hasRecords) for (const file of [configFile, keyFile]) await mustBeThere(file, 'the records of this log');
  const own = await readJson(dir, 'config.json', configFileSchema, () => ({ logName: logName ?? ownName() }));
  const given = settings.configFile === undefined ? undefined : await readGivenConfig(settings.configFile);
  for (const name of [logName, given?.logName]) {
    if (name === undefined || name === own.logName) continue;
    const message = `this log is named ${own.logName} (in ${configFile}), not ${name}: its name cannot change`;
    throw new SealtrailError('usage', message);
  }
  const forward = settings.forwardFile === undefined ? undefined : await readForwarding(settings.forwardFile);
  const config = withSettings({ ...(given ?? own), logName: own.logName }, settings, forward);
  const retired = await readRetiredKeys(dir);
  const signers = await openSigners(dir, retired);
  const credentialsFile = join(dir, 'credentials');
  const accessFile = join(dir, 'access.json');
  // The credentials are written first: a crash before the second file leaves secrets that grant nothing yet.
  let credentials = await readSecrets(credentialsFile);
  if (credentials === undefined) {
    if ((await readIfThere(accessFile)) !== undefined) await mustBeThere(credentialsFile, accessFile);
    credentials = formatCredentials(firstProfiles());
    await writeNew(credentialsFile, credentials, 0o600);
  }
  const profiles = parseCredentials(credentials);
  const access = await readJson(dir, 'access.json', accessSchema, () => firstAccess(profiles));
  return { dir, config, access, profiles, signers, retired, credentialsFile };
}

/** @throws `invalid_parameter` naming the fault, `unavailable` when it cannot be read */
async function readGivenConfig(file: string): Promise<z.infer<typeof givenConfigSchema>> {
  const text = await readIfThere(file);
  if (text === undefined) throw new SealtrailError('not_found', `there is no file ${file}`);
  return parseFile(file, 'config.json', text, givenConfigSchema);
}

/** @throws `invalid_parameter` naming the fault, `not_found`, `unavailable` */
async function readForwarding(file: string): Promise<ForwardSettings> {
  const text = await readIfThere(file);
  if (text === undefined) throw new SealtrailError('not_found', `there is no file ${file}`);
  return parseFile(file, 'config.json', text, forwardSchema);
}

/**
 * Writes the configuration of a new data folder, and beside it the JSON Schema by which editors check and complete it.
 *
 * @throws `usage` when the folder has one already; `unavailable`
 */
export async function writeFirstConfig(dir: string, { logName, ...settings }: FirstConfig): Promise<void> {
  const file = join(dir, 'config.json');
  if ((await readIfThere(file)) !== undefined) {
    throw new SealtrailError('usage', `${dir} holds a log already: its settings are in ${file}`);
  }
  const config = configFileSchema.safeParse(withSettings({ logName: logName ?? ownName() }, settings));
  if (!config.success) throw notRight(file, config.error);
  await writeNew(join(dir, CONFIG_SCHEMA_FILE), configJsonSchema(), 0o644);
  await writeNew(file, toJson('config.json', { $schema: `./${CONFIG_SCHEMA_FILE}`, ...config.data }), 0o644);
}

/** The settings that a new data folder may be given. */
export interface FirstConfig extends Pick<StartSettings, 'pii' | 'hotDays'> {
  /** @default a random one */
  readonly logName?: string;
}

export const signingKeyFile = (dir: string): string => join(dir, 'signing-key.pem');
export const nextKeyFile = (dir: string): string => join(dir, 'signing-key-next.pem');
const retiredKeysPath = (dir: string): string => join(dir, 'retired-keys.json');

/** The keys that signed once. @throws `invalid_parameter` naming the file and the field that is not right */
export async function readRetiredKeys(dir: string): Promise<RetiredKey[]> {
  const file = retiredKeysPath(dir);
  if ((await readIfThere(file)) === undefined) return [];
  return retiredKeysFrom(await readJson(dir, 'retired-keys.json', retiredKeysSchema, () => ({ keys: [] })));
}

/** Replaces the list of keys that signed once. @throws `unavailable` */
export const writeRetiredKeys = (dir: string, keys: readonly RetiredKey[]): Promise<void> =>
  writeNew(retiredKeysPath(dir), toJson('retired-keys.json', retiredKeysFile(keys)), 0o644);

/**
 * Puts the next key in the place of the one that signed until now, whose file is gone then: it shall sign nothing more.
 *
 * @throws `unavailable`
 */
export async function replaceSigningKey(dir: string): Promise<void> {
  try {
    await rename(nextKeyFile(dir), signingKeyFile(dir));
    await syncFolder(dir);
  } catch (cause) {
    throw new SealtrailError('unavailable', `cannot replace ${signingKeyFile(dir)}`, { cause });
  }
}

/** The signing key, made where there is none, and the next one if there is one. */
async function openSigners(dir: string, retired: readonly RetiredKey[]): Promise<KeyFileSigner[]> {
  const signer = await openSigner(signingKeyFile(dir));
  const hasNext = (await readIfThere(nextKeyFile(dir))) !== undefined;
  const spki = await signer.publicKey();
  if (!retired.some((key) => sameBytes(key.spki, spki))) {
    return hasNext ? [signer, await KeyFileSigner.open(nextKeyFile(dir))] : [signer];
  }
  if (!hasNext) {
    const message = `${signingKeyFile(dir)} holds a key that was retired: restore the one that followed it`;
    throw new SealtrailError('not_found', message);
  }
  // A crash came between the two steps of retiring it.
  await replaceSigningKey(dir);
  return [await KeyFileSigner.open(signingKeyFile(dir))];
}

async function openSigner(file: string): Promise<KeyFileSigner> {
  return (await readIfThere(file)) === undefined ? KeyFileSigner.create(file, 'ed25519') : KeyFileSigner.open(file);
}

async function mustBeThere(file: string, dependent: string): Promise<void> {
  if ((await readIfThere(file)) !== undefined) return;
  const message = `${file} is missing, and ${dependent} cannot do without it: restore it from a backup`;
  throw new SealtrailError('not_found', message);
}

/** A file that no one else on the machine may read; undefined where it is not there. @throws `invalid_parameter` where others can read it */
export async function readSecrets(file: string): Promise<string | undefined> {
  const text = await readIfThere(file);
  if (text === undefined || ((await stat(file)).mode & 0o077) === 0) return text;
  throw new SealtrailError('invalid_parameter', `others can read the secrets in ${file}: run chmod 600 ${file}`);
}

/** Files that name their format, in a member `format`. */
type StoredFile = Extract<StoredKind, `${string}.json`>;

async function readJson<T extends object>(
  dir: string,
  name: StoredFile,
  schema: z.ZodType<T>,
  initial: () => T,
): Promise<T> {
  const file = join(dir, name);
  const text = await readIfThere(file);
  if (text === undefined) {
    const value = schema.safeParse(initial());
    if (!value.success) throw notRight(file, value.error);
    await writeNew(file, toJson(name, value.data), 0o644);
    return value.data;
  }
  return parseFile(file, name, text, schema);
}

/**
 * Reads a file's JSON, of which `$schema` is for editors.
 *
 * @throws `invalid_parameter` naming the file and the field that is not right; `unavailable` when a newer version wrote the file
 */
export function parseFile<T>(file: string, name: StoredFile, text: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', `${file} is not JSON`, { cause });
  }
  const { format, $schema: _, ...values } = isObject(json) ? json : {};
  assertKnown(name, format, file);
  const parsed = schema.safeParse(isObject(json) ? values : json);
  if (!parsed.success) throw notRight(file, parsed.error);
  return parsed.data;
}

function notRight(file: string, error: z.ZodError): SealtrailError {
  const { field, text } = issueText(error);
  return new SealtrailError('invalid_parameter', `${file}: ${text}`, { field });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new SealtrailError('unavailable', `cannot read ${file}`, { cause });
  }
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await replaceFile(file, Buffer.from(text), mode);
  } catch (cause) {
    throw new SealtrailError('unavailable', `cannot write ${file}`, { cause });
  }
}

const toJson = (name: StoredFile, value: object): string => `${JSON.stringify(withFormat(name, value), null, 2)}\n`;
