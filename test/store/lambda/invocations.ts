import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll } from 'vitest';
import { lambdaClient } from '../../../lib/store/lambda/client.ts';
import { LambdaFunction } from '../../../lib/store/lambda/function.ts';

/** One invocation, as it came in. */
export interface Invocation {
  readonly path: string | undefined;
  readonly type: string | string[] | undefined;
  readonly payload: string;
}

/** What Lambda says of an invocation (Lambda API reference, "Invoke"); undefined: it hangs up. */
export type Said =
  | { readonly answer: string }
  /** The function failed: this is its error. */
  | { readonly functionError: string }
  /** It was refused, by this name. */
  | { readonly status: number; readonly refusal: string }
  | undefined;

const opened: (() => void)[] = [];
afterAll(() => {
  for (const close of opened) close();
});

/** Lambda's wire on the loopback interface: a function whose invocations are answered by `run`. */
export async function invoked(
  run: (invocation: Invocation) => Promise<Said> | Said,
  { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
): Promise<LambdaFunction> {
  const server = createServer(async (request, response) => {
    const { url: path, headers } = request;
    const said = await run({ path, type: headers['x-amz-invocation-type'], payload: await text(request) });
    if (said === undefined) request.socket.destroy();
    else say(response, said);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = lambdaClient({
    ...{ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', maxAttempts: 2 },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  opened.push(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return new LambdaFunction({ client, name: 'Audit-Follow', timeoutMs });
}

function say(response: ServerResponse, said: NonNullable<Said>): void {
  if ('refusal' in said) {
    response.writeHead(said.status, { 'x-amzn-errortype': said.refusal }).end('{"Message":"as it says"}');
  } else if ('functionError' in said) {
    response.writeHead(200, { 'x-amz-function-error': 'Unhandled' }).end(said.functionError);
  } else {
    response.writeHead(200).end(said.answer);
  }
}
