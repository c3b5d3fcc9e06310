import { isUtf8 } from 'node:buffer';
import { readTolerantJson } from '../../json/strict.ts';
import { isObject, parseJson } from '../../log/json.ts';

/** The id of a request (JSON-RPC 2.0 section 4); null stands where an error's request could not be read. */
export type JsonRpcId = string | number;

/** A message of JSON-RPC: a request or notification where it has a method, else an answer. */
export interface Message {
  readonly method: string | undefined;
  readonly id: JsonRpcId | undefined;
  readonly params: unknown;
  readonly result: unknown;
  readonly error: unknown;
}

/** Members that decide what a message does. If one of them comes twice, readers may disagree about which counts. */
const DECISIVE = /^(?:\[\d+\]\.?)?(?:method|id|params(?:\.(?:name|uri|arguments|taskId))?)$/;

/**
 * The messages in some bytes: one, or those of a batch. Undefined for anything but JSON-RPC, or can be read in two ways, such
 * as a message with two methods: no one can say what its receiver will do.
 */
export function messagesOf(bytes: Buffer): readonly Message[] | undefined {
  if (!isUtf8(bytes)) return undefined;
  let value: unknown;
  try {
    value = parseJson(bytes.toString('utf8'));
  } catch {
    return undefined; // Not JSON: the caller says so.
  }
  const all = Array.isArray(value) ? value : [value];
  const messages = all.map(messageOf);
  if (!messages.every((one) => one !== undefined)) return undefined;
  return messages.some(({ method }) => method !== undefined) && isAmbiguous(bytes) ? undefined : messages;
}

function messageOf(value: unknown): Message | undefined {
  if (!isObject(value)) return undefined;
  const { method, id, params, result, error } = value;
  if (method !== undefined && typeof method !== 'string') return undefined;
  return { method, id: typeof id === 'string' || typeof id === 'number' ? id : undefined, params, result, error };
}

function isAmbiguous(bytes: Buffer): boolean {
  const limits = { depth: 256, unitBytes: Number.POSITIVE_INFINITY };
  const { repairs } = readTolerantJson(bytes, limits, { numbers: true, rest: true });
  return repairs.pathsIn(undefined).some((path) => DECISIVE.test(path));
}

/** The text of an error that answers requests in place of their receiver; empty where none of them wants an answer. */
export function refusal(messages: readonly Message[], code: number, why: string): string {
  const requests = messages.filter(({ method, id }) => method !== undefined && id !== undefined);
  const errors = requests.map(({ id }) => ({ jsonrpc: '2.0', id, error: { code, message: why } }));
  if (errors.length === 0) return '';
  return JSON.stringify(errors.length === 1 && messages.length === 1 ? errors[0] : errors);
}
