import { randomUUID } from 'node:crypto';
import { isObject } from '../../log/json.ts';
import type { LogEvent } from '../event/event.ts';
import { asError } from '../event/sink.ts';
import { toSerializable } from '../event/to-serializable.ts';
import type { SharedContext } from '../logger/context.ts';
import type { AuditLogger } from '../logger/logger.ts';

/** Options of the middleware of every framework. @typeParam Request the framework's request */
export interface RequestAuditOptions<Request> {
  /**
   * Who asks, and for whom: `actor`, `session`, `tenant`, … Asked when a request comes in, for whatever is logged while it is
   * handled; and again when it has been answered, for its own event, as it may be known only then who it was.
   */
  readonly context?: (request: Request) => SharedContext;
  /** Requests that get no event of their own, such as health checks. @default none */
  readonly skip?: (request: Request) => boolean;
  /** Called when an event cannot be logged or an option throws; the request goes on. @default a warning of the process */
  readonly onError?: (error: Error) => void;
}

/** A request as every framework can tell it. */
export interface RequestFacts {
  readonly method: string;
  /** With its query or without. */
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  readonly ip: string | undefined;
}

/** How it ended. */
export interface Answered {
  readonly status: number;
  /** Of the body, as its header says. */
  readonly bytes: number | undefined;
  /** True if the caller was gone before it had the answer. */
  readonly aborted: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** The facts of a request that could not be read. */
const NOT_KNOWN: RequestFacts = { method: '(unknown)', url: '', header: () => undefined, ip: undefined };

/** One request on its way: a context for all that happens meanwhile, and one event at its end. */
export class RequestAudit<Request> {
  readonly #audit: Pick<AuditLogger, 'log'>;
  readonly #options: RequestAuditOptions<Request>;
  readonly #request: Request;
  readonly #facts: RequestFacts;
  readonly #ids: SharedContext;
  readonly #start = performance.now();

  constructor(
    audit: Pick<AuditLogger, 'log'>,
    options: RequestAuditOptions<Request>,
    request: Request,
    describe: (request: Request) => RequestFacts,
  ) {
    this.#audit = audit;
    this.#options = options;
    this.#request = request;
    this.#facts = this.#try(() => describe(request)) ?? NOT_KNOWN;
    const correlation = named(this.#facts.header('x-correlation-id'));
    this.#ids = {
      request: named(this.#facts.header('x-request-id')) ?? randomUUID(),
      ...(correlation === undefined ? {} : { correlation }),
    };
  }

  /** `request` and `correlation` from the headers `x-request-id` and `x-correlation-id`, or new, and what the options add. */
  get context(): SharedContext {
    return { ...this.#ids, ...this.#try(() => ({ ...this.#options.context?.(this.#request) })) };
  }

  /** Logs the request's own event. Never throws. */
  end(answered: Answered): void {
    if (this.#try(() => this.#options.skip?.(this.#request)) === true) return;
    // A copy: what the application says of the caller may be anything, and must not keep the request from being logged.
    const shared = toSerializable(this.context);
    const { actor, resource, ...context }: Fields = isObject(shared) ? shared : { ...this.#ids };
    const { method, url, ip, header } = this.#facts;
    const userAgent = header('user-agent')?.slice(0, 1024);
    const { status, bytes, aborted } = answered;
    const durationMs = Math.round((performance.now() - this.#start) * 1000) / 1000;
    const event: object = {
      type: 'http.request',
      ...judged(answered),
      context,
      ...(resource === undefined ? {} : { resource }),
      ...(actor === undefined ? {} : { actor: { ip, userAgent, ...(isObject(actor) ? actor : { id: actor }) } }),
      details: {
        ...{ method, path: url.split('?', 1)[0], status, durationMs, ...(aborted ? { aborted } : {}) },
        ...{ requestBytes: size(header('content-length')), responseBytes: bytes },
        ...(actor === undefined ? { ip, userAgent } : {}),
      },
    };
    // The cast: what does not fit is kept in another form.
    this.#try(() => this.#audit.log(event as LogEvent, { invalid: 'fit', tooLarge: 'cut' }));
  }

  #try<T>(call: () => T): T | undefined {
    const { onError = (error: Error) => process.emitWarning(error) } = this.#options;
    try {
      return call();
    } catch (error) {
      onError(asError(error));
      return undefined;
    }
  }
}

function judged({ status, aborted }: Answered): Pick<LogEvent, 'outcome' | 'severity'> {
  if (status >= 500) return { outcome: 'error', severity: 'error' };
  if (status === 401 || status === 403) return { outcome: 'denied', severity: 'warning' };
  if (status === 429) return { outcome: 'blocked', severity: 'warning' };
  if (status >= 400 || aborted) return { outcome: 'failure', severity: 'warning' };
  return { outcome: 'success' };
}

/** A number of bytes from a `content-length`. */
export function size(length: unknown): number | undefined {
  const text = String(length ?? '');
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A caller's name for something, unless it is a text that no one would choose. */
function named(id: string | undefined): string | undefined {
  return id !== undefined && /^[\w.:~@=+/-]{1,128}$/.test(id) ? id : undefined;
}
