import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { retentionFor } from '../../lib/followers/expiry/retention.ts';
import { policyFor } from '../../lib/privacy/config/privacy-config.ts';
import { CONFIG_SCHEMA_FILE, configFileSchema, configJsonSchema } from '../../lib/server/config-file.ts';
import { type Embedded, type EmbeddedOptions, makeDataFolder, openEmbedded } from '../../lib/server/embedded.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** Settings of a data folder: in its file, in another one, for one start; and the schema that editors know them by. */

const PAGE = join(import.meta.dirname, '../../docs/configuration.md');

const newFolder = async (): Promise<string> => join(await temporaryFolder(), 'data');

async function configured(dir: string, options?: EmbeddedOptions): Promise<Embedded['folder']['config']> {
  const log = await openEmbedded(dir, options);
  await log.close();
  return log.folder.config;
}

async function fileOf(config: object): Promise<string> {
  const file = join(await temporaryFolder(), 'mounted.json');
  await writeFile(file, JSON.stringify(config));
  return file;
}

describe('settings for one start', () => {
  it('hold for the trails that the configuration does not name, and are not kept', async () => {
    const dir = await newFolder();
    const named = { trail: 'debug-*', hotDays: 7 };
    await configured(dir, { logName: 'audit.example.com' });
    const config = {
      logName: 'audit.example.com',
      retention: { default: { hotDays: 90 }, trails: [named] },
      privacy: { default: { redactKeys: ['pin'] }, trails: [{ trail: 'orders', pii: 'mask' }] },
    };
    await writeFile(join(dir, 'config.json'), JSON.stringify(config));

    const { retention = {}, privacy = {} } = await configured(dir, { settings: { pii: 'include', hotDays: 30 } });
    expect(['debug-1', 'orders'].map((trail) => retentionFor(retention, trail).hotDays)).toEqual([7, 30]);
    expect(['orders', 'payments'].map((trail) => policyFor(trail, privacy).pii)).toEqual(['mask', 'include']);
    expect(policyFor('payments', privacy).redactKeys.redact).toEqual(['pin']);

    expect(await configured(dir)).toEqual(config);
  });

  it('may come in a file, in place of those of the folder, whose name the log keeps', async () => {
    const dir = await newFolder();
    await configured(dir, { logName: 'audit.example.com' });
    const configFile = await fileOf({ recordReads: false, retention: { default: { hotDays: 'forever' } } });
    expect(await configured(dir, { settings: { configFile, hotDays: 9 } })).toEqual({
      logName: 'audit.example.com',
      recordReads: false,
      retention: { default: { hotDays: 9 } },
    });
  });

  it.each<readonly [string, object | undefined, object]>([
    [
      'with another name',
      { logName: 'other.example' },
      { code: 'usage', message: expect.stringContaining('not other.example') },
    ],
    [
      'with a slip',
      { retntion: {} },
      { code: 'invalid_parameter', message: expect.stringMatching(/mounted\.json: .*retntion/) },
    ],
    ['that is not there', undefined, { code: 'not_found', message: expect.stringContaining('mounted.json') }],
  ])('in a file %s are refused', async (_, config, error) => {
    const dir = await newFolder();
    const configFile = config === undefined ? '/nowhere/mounted.json' : await fileOf(config);
    await expect(openEmbedded(dir, { settings: { configFile } })).rejects.toMatchObject(error);
  });
});

describe('a data folder that is made before its first start', () => {
  it('has its settings, a schema for editors, and credentials that the start keeps', async () => {
    const dir = await newFolder();
    const made = await makeDataFolder(dir, { logName: 'audit.example.com', pii: 'include', hotDays: 30 });
    expect(JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'))).toEqual({
      $schema: './config.schema.json',
      format: 1,
      logName: 'audit.example.com',
      privacy: { default: { pii: 'include' } },
      retention: { default: { hotDays: 30 } },
    });
    expect(await readFile(join(dir, CONFIG_SCHEMA_FILE), 'utf8')).toBe(configJsonSchema());
    const log = await openEmbedded(dir);
    onTestFinished(() => log.close());
    expect(log.folder.profiles).toEqual(made.profiles);
    expect(log.folder.config).toEqual(made.config);
  });

  it('is never made over another', async () => {
    const dir = await newFolder();
    await makeDataFolder(dir, {});
    const before = await readFile(join(dir, 'config.json'), 'utf8');
    await expect(makeDataFolder(dir, {})).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(join(dir, 'config.json'), 'utf8')).toBe(before);
  });

  it('is not made of settings that cannot be', async () => {
    await expect(makeDataFolder(await newFolder(), { logName: 'No Name' })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'logName',
    });
    await expect(makeDataFolder(await newFolder(), { hotDays: 1 })).rejects.toMatchObject({
      code: 'invalid_parameter',
    });
  });
});

describe('the JSON Schema of config.json', () => {
  const schema = JSON.parse(configJsonSchema());
  const holds = new Ajv({ allowUnionTypes: true }).compile(schema);

  it('is the one under docs (vitest -u writes it)', async () => {
    await expect(configJsonSchema()).toMatchFileSnapshot('../../docs/config.schema.json');
  });

  it('says of each setting what it is', () => {
    const bare: string[] = [];
    const look = (at: string, node: Record<string, unknown>): void => {
      for (const [name, member] of Object.entries((node.properties ?? {}) as Record<string, typeof node>)) {
        if (typeof member.description !== 'string' && name !== 'trail') bare.push(`${at}.${name}`);
        look(`${at}.${name}`, member);
        if (member.items !== undefined) look(`${at}.${name}[]`, member.items as typeof node);
      }
      const choices = [...((node.anyOf ?? []) as []), ...((node.oneOf ?? []) as [])];
      for (const [n, choice] of choices.entries()) look(`${at}|${n}`, choice);
    };
    look('', schema);
    expect(bare).toEqual([]);
  });

  it('takes what the log takes, and refuses what it refuses', async () => {
    const blocks = [...(await readFile(PAGE, 'utf8')).matchAll(/^```json\n(.*?)^```$/gms)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks) {
      const { $schema: _, format: __, ...config } = JSON.parse(block);
      expect([block, configFileSchema.safeParse(config).success, holds(JSON.parse(block))]).toEqual([
        block,
        true,
        true,
      ]);
    }
    for (const wrong of [
      {},
      { logName: 'No Name' },
      { logName: 'a', retention: { default: { hotDays: 1 } } },
      { logName: 'a', privacy: { trails: [{ pii: 'mask' }] } },
      { logName: 'a', surprise: true },
    ]) {
      expect([wrong, configFileSchema.safeParse(wrong).success, holds(wrong)]).toEqual([wrong, false, false]);
    }
  });

  it('has a row for each setting on its page', async () => {
    const forwarding = await readFile(PAGE.replace('configuration', 'forwarding'), 'utf8');
    const page = `${await readFile(PAGE, 'utf8')}${forwarding}`;
    type Node = { readonly [key in 'properties' | 'items']?: object } & {
      readonly [key in 'anyOf' | 'oneOf']?: object[];
    };
    const names = ({ properties = {}, anyOf = [], oneOf = [] }: Node): string[] => [
      ...Object.entries(properties).flatMap(([name, member]) => [name, ...names(member), ...names(member.items ?? {})]),
      ...[...anyOf, ...oneOf].flatMap(names),
    ];
    const missing = [...new Set(names(schema))].filter((name) => !page.includes(name));
    expect(missing).toEqual([]);
    expect(names(schema)).toContain('alarmSeconds');
  });
});
