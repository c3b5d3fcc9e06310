import { createServer } from 'node:http';
import { closed, listening } from './loopback.ts';

/** A stand-in for AWS STS on loopback, for the SDK's own credential providers. */
export interface TokenService {
  readonly url: string;
  /** The ARN of who holds an access key that was given out here. */
  arnOf(accessKeyId: string): string | undefined;
  close(): Promise<void>;
}

export const ACCOUNT = '111122223333';
/** How long a session's credentials are good for, as STS has it by default. */
export const HOUR = 3_600_000;

/** Answers AssumeRole and AssumeRoleWithWebIdentity (STS API reference, version 2011-06-15). */
export async function openTokenService(): Promise<TokenService> {
  const sessions = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const action = form.get('Action') ?? '';
    // An STS ARN has the role's name without its path.
    const role = form.get('RoleArn')?.split('/').at(-1);
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${form.get('RoleSessionName')}`;
    const accessKeyId = `ASIA${String(sessions.size).padStart(16, '0')}`;
    sessions.set(accessKeyId, arn);
    const xml = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>
      <Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
        <SessionToken>token</SessionToken><Expiration>${new Date(Date.now() + HOUR).toISOString()}</Expiration></Credentials>
      <AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>AROAEXAMPLE:${form.get('RoleSessionName')}</AssumedRoleId></AssumedRoleUser>
      </${action}Result></${action}Response>`;
    response.writeHead(200, { 'content-type': 'text/xml' }).end(xml);
  });
  const url = await listening(server);
  return { url, arnOf: (accessKeyId) => sessions.get(accessKeyId), close: () => closed(server) };
}
