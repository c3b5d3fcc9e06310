import { createHash, randomUUID } from 'node:crypto';
import { contentFor } from '../../client/event/content.ts';
import type { Fields } from '../../client/logger/calls.ts';
import type { Actor, EventContext } from '../../contract/event.ts';
import { isObject } from '../../log/json.ts';
import type { ActionLog } from '../action-log.ts';
import { contentDigest } from '../content-digest.ts';
import { type JsonRpcId, type Message, messagesOf, refusal } from './messages.ts';
import { type AuditedCall, auditedCall, traceOf } from './methods.ts';

/** Who sent a message. */
export type Side = 'client' | 'server';

/** The context that all conversations of a proxy share. */
export interface ConversationOptions {
  readonly actions: ActionLog;
  /** The server's name. @default as it calls itself when it is initialised */
  readonly server?: string | undefined;
  /** The agent's name. @default as the client calls itself */
  readonly agent?: string | undefined;
  /** True if arguments and results are logged, redacted, beside their digests. */
  readonly content: boolean;
  /** True if what cannot be read is refused. */
  readonly failClosed: boolean;
  /** For every event. */
  readonly context: EventContext;
}

/** A proxy's action on a message. */
export interface Examined {
  /**
   * The message must wait for it; it resolves to what to answer instead of passing it on, or to undefined where it may pass.
   * Undefined: it may pass at once.
   */
  readonly gate: Promise<string | undefined> | undefined;
  /** To be called once the message was passed on. */
  readonly passed: () => void;
}

/** A call whose answer has not come. */
interface Pending {
  readonly action: string;
  readonly method: string;
  readonly call: AuditedCall;
  readonly from: Side;
  readonly since: number;
  readonly isCancelled: boolean;
  readonly correlation: string | undefined;
}

const PASSES: Examined = { gate: undefined, passed: () => undefined };
/** Calls without an answer that are remembered, at most; the oldest is forgotten, and stays without an outcome. */
const MAX_PENDING = 10_000;
/** JSON-RPC reserves -32000 to -32099 for servers. */
const REFUSED = -32_001;
const PARSE_ERROR = -32_700;

/** Logs one session between a client and a server of MCP: the calls of both, and their outcomes. */
export class Conversation {
  readonly #options: ConversationOptions;
  #session: string;
  /** By side and JSON-RPC id. */
  readonly #pending = new Map<string, Pending>();
  /** The id of the client's `initialize`, until it is answered. */
  #initial: JsonRpcId | undefined;
  #client: Peer = {};
  #server: Peer = {};

  constructor(options: ConversationOptions, session: string = randomUUID()) {
    this.#options = options;
    this.#session = session;
  }

  /** The id that the server gave the session in its first answer. */
  set session(id: string) {
    this.#session = id;
  }

  /** Calls that were asked for and not answered yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /**
   * Looks at what one side sent: a message of JSON-RPC 2.0, or a batch of them.
   *
   * @param bytes the message as it was sent, which is never changed
   */
  examine(bytes: Buffer, from: Side): Examined {
    const messages = messagesOf(bytes);
    if (messages === undefined) return this.#unreadable(bytes, from);
    const found = messages.map((message) => this.#look(message, from));
    if (found.every((one) => one === PASSES)) return PASSES;
    const gates = found.flatMap(({ gate }) => (gate === undefined ? [] : [gate]));
    const passed = (): void => {
      for (const one of found) one.passed();
    };
    return { gate: gates.length === 0 ? undefined : writeRefusal(messages, gates), passed };
  }

  /** Logs that the conversation is over, and how many calls are left without an outcome. */
  end(details: Readonly<Record<string, unknown>>): void {
    const unanswered = this.#pending.size;
    this.#options.actions.note({
      type: 'mcp.closed',
      severity: unanswered === 0 ? 'info' : 'warning',
      ...this.#about('client'),
      details: { server: this.#serverName, unanswered, ...details },
    });
  }

  #look(message: Message, from: Side): Examined {
    if (message.method === undefined) return this.#answer(message, from);
    const { method, params, id } = message;
    const call = auditedCall(method, params);
    if (call !== undefined) return { gate: this.#request(method, call, message, from), passed: () => undefined };
    if (method === 'initialize' && id !== undefined) return this.#initialize(message);
    if (method === 'notifications/cancelled' && isObject(params)) this.#cancelled(params.requestId, from);
    return PASSES;
  }

  #request(method: string, call: AuditedCall, { id, params }: Message, from: Side): Promise<string | undefined> {
    const action = randomUUID();
    const correlation = traceOf(params);
    const pending = { action, method, call, from, since: performance.now(), isCancelled: false, correlation };
    if (id !== undefined) this.#remember(keyOf(from, id), pending);
    const digest = { argumentsSha256: contentDigest(call.content) };
    const content = this.#options.content ? { arguments: contentFor(call.content) } : {};
    const details = { server: this.#serverName, requestId: id, ...digest, ...content };
    const refused = this.#options.actions.requested(action, { ...this.#fieldsOf(pending), details });
    return refused.then((why) => {
      if (why !== undefined && id !== undefined) this.#pending.delete(keyOf(from, id));
      return why;
    });
  }

  #remember(key: string, pending: Pending): void {
    if (this.#pending.size >= MAX_PENDING) {
      const [oldest] = this.#pending.keys();
      if (oldest !== undefined) this.#pending.delete(oldest);
    }
    this.#pending.set(key, pending);
  }

  #answer(message: Message, from: Side): Examined {
    if (message.id === undefined) return PASSES;
    if (from === 'server' && this.#initial === message.id) {
      return { gate: undefined, passed: () => this.#initialized(message) };
    }
    const asker = from === 'client' ? 'server' : 'client';
    const key = keyOf(asker, message.id);
    const pending = this.#pending.get(key);
    if (pending === undefined) return PASSES;
    this.#pending.delete(key);
    const durationMs = elapsed(pending);
    return { gate: undefined, passed: () => this.#ended(pending, message, durationMs) };
  }

  #ended(pending: Pending, { result, error }: Message, durationMs: number): void {
    const { actions, content } = this.#options;
    const late = pending.isCancelled ? { afterCancelling: true } : {};
    const about = { server: this.#serverName, ...late };
    if (error !== undefined) {
      const code = isObject(error) ? error.code : undefined;
      const outcome = {
        errorCode: code,
        errorSha256: contentDigest(error),
        ...(content ? { error: contentFor(error) } : {}),
      };
      actions.ended(pending.action, durationMs, {
        ...this.#fieldsOf(pending),
        outcome: 'error',
        details: { ...about, ...outcome },
      });
      return;
    }
    const details = {
      ...about,
      ...answerOf(result),
      resultSha256: contentDigest(result ?? null),
      ...(content ? { result: contentFor(result) } : {}),
    };
    const outcome = isObject(result) && result.isError === true ? 'failure' : 'success';
    actions.ended(pending.action, durationMs, { ...this.#fieldsOf(pending), outcome, details });
  }

  /** Its receiver need not answer any more, so this may be all that is ever known of it. */
  #cancelled(id: unknown, from: Side): void {
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const pending = this.#pending.get(keyOf(from, id));
    if (pending === undefined || pending.isCancelled) return;
    this.#pending.set(keyOf(from, id), { ...pending, isCancelled: true });
    this.#options.actions.ended(pending.action, elapsed(pending), {
      ...this.#fieldsOf(pending),
      outcome: 'failure',
      details: { server: this.#serverName, cancelled: true },
    });
  }

  #initialize({ id, params }: Message): Examined {
    this.#initial = id;
    this.#client = peerOf(isObject(params) ? params.clientInfo : undefined);
    return PASSES;
  }

  #initialized({ result }: Message): void {
    this.#initial = undefined;
    const { protocolVersion, serverInfo, capabilities } = isObject(result) ? result : {};
    this.#server = peerOf(serverInfo);
    this.#options.actions.note({
      type: 'mcp.initialized',
      ...this.#about('client'),
      details: {
        server: this.#serverName,
        serverVersion: this.#server.version,
        client: this.#client.name,
        clientVersion: this.#client.version,
        protocolVersion,
        capabilities: isObject(capabilities) ? Object.keys(capabilities) : undefined,
      },
    });
  }

  /** No one can say what its receiver makes of it: that it came is logged, and it passes only where calls may pass unlogged. */
  #unreadable(bytes: Buffer, from: Side): Examined {
    if (bytes.toString('latin1').trim() === '') return PASSES;
    const { actions, failClosed } = this.#options;
    actions.note({
      type: 'mcp.unreadable',
      severity: 'warning',
      ...this.#about(from),
      details: {
        from,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        passed: !failClosed,
      },
    });
    if (!failClosed) return PASSES;
    const error = { code: PARSE_ERROR, message: 'sealtrail: this is no JSON-RPC message, or can be read in two ways' };
    return { gate: Promise.resolve(JSON.stringify({ jsonrpc: '2.0', id: null, error })), passed: () => undefined };
  }

  get #serverName(): string | undefined {
    return this.#options.server ?? this.#server.name;
  }

  /** Who acts, and where: an agent through its client, or a server that asks the client for something. */
  #about(from: Side): Pick<Fields, 'actor' | 'context'> {
    const { agent = this.#client.name ?? 'mcp-client', context } = this.#options;
    const actor: Actor =
      from === 'client' ? { id: agent, type: 'agent' } : { id: this.#serverName ?? 'mcp-server', type: 'service' };
    return { actor, context: { session: this.#session, agent, ...context } };
  }

  #fieldsOf({ call, method, from, correlation }: Pending): Fields {
    const { actor, context } = this.#about(from);
    const { kind, name } = call;
    return {
      action: method,
      actor,
      resource: { type: kind, ...(name === undefined ? {} : { id: name }) },
      context: { ...context, ...(correlation === undefined ? {} : { correlation }) },
    };
  }
}

/** Milliseconds since a call was asked for. */
const elapsed = ({ since }: Pending): number => Math.round((performance.now() - since) * 1000) / 1000;

/** The introduction of one side. */
interface Peer {
  readonly name?: string;
  readonly version?: string;
}

function peerOf(info: unknown): Peer {
  if (!isObject(info)) return {};
  const { name, version } = info;
  return {
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}

/** Requests of either side have ids of their own; the number 1 and the text "1" are two. */
const keyOf = (from: Side, id: JsonRpcId): string => `${from} ${JSON.stringify(id)}`;

/** The facts of an answer besides its content: what a person answered, which task stands for the result to come. */
function answerOf(result: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(result)) return {};
  const { action, task, isError } = result;
  return {
    ...(typeof action === 'string' ? { answer: action } : {}),
    ...(isObject(task) && typeof task.taskId === 'string' ? { task: task.taskId } : {}),
    ...(isError === true ? { isError } : {}),
  };
}

async function writeRefusal(
  messages: readonly Message[],
  gates: readonly Promise<string | undefined>[],
): Promise<string | undefined> {
  const why = (await Promise.all(gates)).find((one) => one !== undefined);
  return why === undefined
    ? undefined
    : refusal(messages, REFUSED, `sealtrail: refused, since it cannot be logged: ${why}`);
}
