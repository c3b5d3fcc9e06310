import { createServer } from 'node:http';
import { ROUTE_GROUPS } from '../../lib/api/routes.ts';
import type { Deployed } from './deployed.ts';
import { closed, listening } from './loopback.ts';

const ROUTES = Object.values(ROUTE_GROUPS)
  .flat()
  .map(({ method, path }) => ({
    route: `${method} ${path}`,
    pattern: new RegExp(`^${method} ${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  }));

/**
 * A stand-in for API Gateway in front of the functions, for the real client: it knows callers by their access keys, and
 * leaves the signature unchecked.
 *
 * @param arnOf the ARN of who holds an access key
 */
export async function openGateway(deployed: Deployed, arnOf: (accessKeyId: string) => string | undefined) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname, search } = new URL(request.url ?? '', 'http://api');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const accessKeyId = /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1];
    const userArn = arnOf(accessKeyId ?? '');
    const asked = `${request.method} ${pathname}`;
    const found = ROUTES.find(({ pattern }) => pattern.test(asked));
    if (userArn === undefined || found === undefined) {
      response.writeHead(userArn === undefined ? 403 : 404).end();
      return;
    }
    const result = await deployed.call({
      ...{ route: found.route, headers, userArn, query: search.slice(1), body: Buffer.concat(chunks) },
      parameters: { ...found.pattern.exec(asked)?.groups },
    });
    const body = Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8');
    const sent = Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
    response.writeHead(result.statusCode ?? 500, Object.fromEntries(sent)).end(body);
  });
  return { url: await listening(server), close: () => closed(server) };
}
