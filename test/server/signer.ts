import { createHash, createHmac } from 'node:crypto';

/** A request to sign, and every liberty that an attacker may want to take with it. */
export interface ToSign {
  readonly method?: string;
  /** Canonical already: what is signed as the path and as the query, whatever is sent. */
  readonly path?: string;
  readonly query?: string;
  /** All of them are signed, unless `signed` says which. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signed?: readonly string[];
  readonly body?: string | Uint8Array;
  /** What stands for the body in the canonical request. Default: its hash. */
  readonly payload?: string;
  readonly accessKeyId?: string;
  readonly secret?: string;
  /** `YYYYMMDDTHHMMSSZ`. Default: the header `x-amz-date`. */
  readonly timestamp?: string;
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
}

export const KEY_ID = 'SLTRTESTKEY';
export const SECRET = 'a secret that only tests know';

/** The Authorization header, after AWS, "Create a signed AWS API request"; nothing here is shared with the server. */
export function authorize(request: ToSign): string {
  const { method = 'GET', path = '/', query = '', headers, body = '', accessKeyId = KEY_ID, secret = SECRET } = request;
  const { region = 'us-east-1', service = 'execute-api' } = request;
  const timestamp = request.timestamp ?? headers['x-amz-date'] ?? '';
  const date = request.date ?? timestamp.slice(0, 8);
  const signed = request.signed ?? Object.keys(headers).sort();
  const payload = request.payload ?? createHash('sha256').update(body).digest('hex');
  const lines = signed.map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  const canonical = `${method}\n${path}\n${query}\n${lines}\n${signed.join(';')}\n${payload}`;
  const scope = `${date}/${region}/${service}/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const step of [date, region, service, 'aws4_request']) key = createHmac('sha256', key).update(step).digest();
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`)
    .digest('hex');
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
}

/** A time as signatures have it. */
export const stamp = (millis: number): string => new Date(millis).toISOString().replace(/[-:]|\.\d{3}/g, '');
