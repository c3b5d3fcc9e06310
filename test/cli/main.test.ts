import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let test: TestLog;
beforeAll(async () => {
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  test = await openTestLog();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await test.close();
});

describe('a command line', () => {
  it.each([
    ['--help', ['--help'], 0],
    ['help for a command', ['append', '--help'], 0],
    ['--version', ['--version'], 0],
    ['no command at all', [], 2],
    ['an unknown command', ['frobnicate'], 2],
    ['an unknown option', ['query', 'orders', '--colour'], 2],
    ['a missing argument', ['query'], 2],
    ['a missing option', ['serve'], 2],
    ['an argument too many', ['tail', 'orders', 'payments'], 2],
    ['a value that is none of the choices', ['query', 'orders', '--format', 'xml'], 2],
    ['a number that is out of range', ['serve', '--data', 'x', '--port', '99999'], 2],
  ])('with %s', async (_, args, due) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(due);
    // Help that was asked for is output; everything else is a complaint.
    expect(due === 0 ? stdout : stderr).not.toBe('');
    expect(due === 0 ? stderr : stdout).toBe('');
  });

  it('documents its exit codes, and every command in a line', async () => {
    const { stdout } = await cli(['--help']);
    expect(stdout).toMatch(
      /\n {2}0 {2}fine\n {2}1 {2}what was checked is not right .*\n {2}2 {2}it could not be done: /,
    );
    for (const name of [
      'serve',
      'append',
      'query',
      'timeline',
      'history',
      'activity',
      'summary',
      'tail\\|recent',
      'proof',
      'verify',
      'verify-proof',
      'verify-trail',
      'redact',
      'seal',
      'hold',
      'keys',
      'demo',
    ]) {
      expect(stdout).toMatch(new RegExp(`\\n {2}${name} .*  \\S`));
    }
  });

  it('suggests what may have been meant', async () => {
    expect((await cli(['quary', 'orders'])).stderr).toMatch(/unknown command 'quary'\n\(Did you mean query\?\)/);
  });
});

describe('someone who has not set things up', () => {
  it('is told how to start a server, or where to say which', async () => {
    expect(await cli(['query', 'orders'])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'sealtrail: no server to talk to: start one with "sealtrail serve --data DIR --port 8321", ' +
        'then set SEALTRAIL_ENDPOINT=http://127.0.0.1:8321\n',
    });
  });

  it('is told that an endpoint is a URL', async () => {
    const { code, stderr } = await cli(['query', 'orders', '--endpoint', 'localhost:8321']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sealtrail: the endpoint must be a URL such as http:\/\/127\.0\.0\.1:8321, not "localhost:8321"\n/,
    );
  });

  it('is told where credentials come from', async () => {
    const env = { ...test.env('admin'), AWS_PROFILE: 'nobody' };
    const { code, stderr } = await cli(['query', 'orders'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sealtrail: no AWS credentials to sign with: .*\nCredentials come from the AWS credential chain\./,
    );
    expect(stderr).toContain('\n  export AWS_SHARED_CREDENTIALS_FILE=DIR/credentials AWS_PROFILE=admin\n');
  });

  it('is told that the server does not know the credentials', async () => {
    const file = join(test.folder, 'foreign');
    writeFileSync(file, '[admin]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n');
    const { code, stderr } = await cli(['query', 'orders'], {
      env: { ...test.env('admin'), AWS_SHARED_CREDENTIALS_FILE: file },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /\nThe server did not accept the signature: are these credentials of its own credentials file, /,
    );
  });

  it('is told that these credentials may not do this, and which may', async () => {
    const { code, stderr } = await cli(['query', 'orders'], { env: test.env('writer') });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sealtrail: not allowed: read on trail orders\n.*writer appends, auditor reads and verifies, admin does all/s,
    );
  });

  it('may choose a profile on the command line', async () => {
    const env = test.env('writer');
    expect((await cli(['query', 'orders'], { env })).stderr).toContain('may not');
    // The auditor may read; there is nothing yet.
    const { stderr } = await cli(['query', 'orders', '--profile', 'auditor'], { env });
    expect(stderr).toContain('there is no trail orders');
  });

  it('is told that no one answers', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    probe.close();
    await once(probe, 'close');
    const { code, stderr } = await cli(['query', 'orders'], {
      env: { ...test.env('admin'), SEALTRAIL_ENDPOINT: endpoint },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sealtrail: cannot reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*\nIs the server running\? /,
    );
  });

  it('is not at the mercy of a server that sends escape sequences', async () => {
    const server = createHttpServer((_, response) => {
      response
        .writeHead(400)
        .end(JSON.stringify({ code: 'invalid_parameter', detail: 'bad\u001b]0;title\u0007 things' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const env = { ...test.env('admin'), SEALTRAIL_ENDPOINT: `http://127.0.0.1:${port}` };
    const { code, stderr } = await cli(['query', 'orders'], { env });
    server.close();
    server.closeAllConnections();
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'sealtrail: bad\\u001b]0;title\\u0007 things\n' });
  });

  it('reads errors as JSON where that was asked for', async () => {
    const { code, stdout, stderr } = await cli(['summary', 'orders', '--json'], { env: test.env('writer') });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'forbidden', message: 'not allowed: read on trail orders' } });
  });
});

describe('colour', () => {
  it('is for terminals', async () => {
    await cli(['append', 'coloured'], {
      env: test.env('writer'),
      input: '{"type":"data.read","actor":{"id":"a"},"outcome":"failure"}',
    });
    const plain = await cli(['query', 'coloured'], { env: test.env('auditor') });
    expect(plain.stdout).not.toContain('\u001b');
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', undefined);
    // Node takes most CI services for terminals without colour.
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm-256color');
    const coloured = await cli(['query', 'coloured'], { env: test.env('auditor'), columns: 100 });
    expect(coloured.stdout).toContain('\u001b[31mfailure');
    vi.stubEnv('NO_COLOR', '1');
    const asked = await cli(['query', 'coloured'], { env: test.env('auditor'), columns: 100 });
    expect(asked.stdout).not.toContain('\u001b');
  });
});
