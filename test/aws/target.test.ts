import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { finished } from '../cli/process.ts';
import { folderUntil } from '../store/temporary.ts';
import { targetOf } from './target.ts';

/** What `npm run test:aws` tests against, and what it does where something is missing: it fails, and passes over nothing. */

const folder = folderUntil((task) => afterAll(task));
const signedIn = { AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 'x', AWS_REGION: 'eu-central-1', HOME: '/home/ann' };

describe('the target', () => {
  it('is emulators where nothing is said, and nothing of the account that the terminal is signed in to', () => {
    const env = { ...signedIn, AWS_ENDPOINT_URL_S3: 'https://s3.example', AWS_DEFAULT_PROFILE: 'prod' };
    expect(targetOf(env, ['lock'])).toEqual({
      starts: ['ministack', 'referee'],
      tools: ['python3', 'mvn', 'java', 'go'],
      tests: ['lock'],
      env: {
        ...{ HOME: '/home/ann', SEALTRAIL_EMULATOR: 'ministack', AWS_REGION: 'us-east-1' },
        ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
        ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
      },
    });
  });

  it('is what an endpoint names, with the same tests and the referee unless there is another', () => {
    const AWS_ENDPOINT_URL = 'http://127.0.0.1:4566';
    const env = { ...signedIn, SEALTRAIL_AWS_TARGET: 'endpoint', AWS_ENDPOINT_URL };
    expect(targetOf(env, [])).toMatchObject({ starts: ['referee'], tests: [], env });
    const both = { ...env, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000' };
    expect(targetOf(both, [])).toMatchObject({ starts: [], env: both });
  });

  it('is an account, with the deployment alone, and no endpoint or emulator that was meant for another run', () => {
    const account = { ...signedIn, SEALTRAIL_AWS_TARGET: 'account', SEALTRAIL_AWS_ACCOUNT: '111122223333' };
    const left = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_ENDPOINT_URL_S3: '',
      SEALTRAIL_EMULATOR: 'ministack',
    };
    const env = { ...account, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' };
    expect(targetOf({ ...account, ...left }, [])).toEqual({ starts: [], tools: ['go'], tests: ['deploy'], env });
  });

  const endpoint = { SEALTRAIL_AWS_TARGET: 'endpoint', AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };
  const account = { SEALTRAIL_AWS_TARGET: 'account', SEALTRAIL_AWS_ACCOUNT: '111122223333' };
  it.each([
    [{ SEALTRAIL_AWS_TARGET: 'aws' }, 'is unknown'],
    [{ ...endpoint, AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: undefined }, 'needs AWS_ENDPOINT_URL'],
    [endpoint, 'needs AWS_REGION'],
    [account, 'needs AWS_REGION'],
    [{ ...account, AWS_PROFILE: 'prod', AWS_REGION: 'eu' }, 'needs AWS_REGION'],
    [{ ...account, AWS_REGION: 'us-east-1', SEALTRAIL_AWS_ACCOUNT: undefined }, 'needs SEALTRAIL_AWS_ACCOUNT'],
    [{ ...account, AWS_REGION: 'us-east-1', SEALTRAIL_AWS_ACCOUNT: 'prod' }, 'needs SEALTRAIL_AWS_ACCOUNT'],
  ])('is not guessed: %j', (env, message) => {
    expect(() => targetOf(env, [])).toThrow(message);
  });
});

describe('npm run test:aws', () => {
  const started = (env: Readonly<Record<string, string>>) =>
    finished(spawn(process.execPath, [resolve(import.meta.dirname, 'run.ts')], { env: { CI: 'true', ...env } }));

  it.each(['python3', 'mvn', 'java', 'go'])('fails where there is no %s, and says so', async (missing) => {
    const path = join(folder, missing);
    mkdirSync(path);
    const others = ['python3', 'mvn', 'java', 'go'].filter((tool) => tool !== missing);
    for (const tool of others) symlinkSync(process.execPath, join(path, tool));
    const { code, stdout, stderr } = await started({ PATH: path });
    expect({ code, stdout, stderr }).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: `test:aws: not found on the PATH: ${missing}\n`,
    });
  });

  it('fails where a target lacks something, before anything is started', async () => {
    const { code, stderr } = await started({ PATH: '', SEALTRAIL_AWS_TARGET: 'account' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'test:aws: SEALTRAIL_AWS_TARGET=account needs AWS_REGION: the region to deploy to\n',
    });
  });
});
