import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { folderUntil } from '../store/temporary.ts';
import { cli } from './in-process.ts';
import { serve } from './process.ts';

const cleanUps: (() => void)[] = [];
afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp();
});
const folder = (): string => folderUntil((task) => cleanUps.push(task));

describe('sealtrail init', () => {
  it('makes a log whose users find it by what is printed, and which starts with its settings and those of its start', async () => {
    const data = join(folder(), 'my log');
    const made = await cli([
      'init',
      '--data',
      data,
      '--log-name',
      'init.example',
      '--retention',
      '30',
      '--profile',
      'admin',
    ]);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('Start the log: sealtrail serve --data ') });
    const env = parseEnv(made.stdout);
    expect(env).toEqual({
      SEALTRAIL_ENDPOINT: 'http://127.0.0.1:8321',
      AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'),
      AWS_PROFILE: 'admin',
    });

    const server = await serve(data, ['--pii', 'include', '--config', join(data, 'config.json')]);
    try {
      const here = { env: { ...env, SEALTRAIL_ENDPOINT: server.endpoint } };
      const input = '{"type":"auth.login","actor":{"id":"ann@example.com"}}';
      expect(await cli(['append', 'orders'], { ...here, input })).toMatchObject({ code: 0 });
      const { stdout } = await cli(['query', 'orders', '--format', 'ndjson'], here);
      expect(JSON.parse(stdout).event.actor.id).toBe('ann@example.com');
    } finally {
      expect(await server.stop()).toBe(0);
    }
    expect(JSON.parse(readFileSync(join(data, 'config.json'), 'utf8'))).toMatchObject({
      logName: 'init.example',
      retention: { default: { hotDays: 30 } },
    });

    const again = await cli(['init', '--data', data]);
    expect(again).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('holds a log already') });
  });

  it.each([
    ['--retention', '2', /--retention must be a whole number from 3 to 36500, not "2"/],
    ['--pii', 'maybe', /--pii.*mask, include/],
  ])('refuses %s %s', async (option, value, said) => {
    const { code, stderr } = await cli(['init', '--data', join(folder(), 'log'), option, value]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(said) });
  });
});
