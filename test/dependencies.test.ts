import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What an install brings along. */

interface Locked {
  readonly engines?: { readonly node?: string };
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
}

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, '..', name), 'utf8'));
const whole = read('package.json');
const { engines } = whole;
const locked = Object.entries<Locked>(read('package-lock.json').packages).filter(
  ([path, { dev, devOptional, peer }]) => path !== '' && !dev && !devOptional && !peer,
);

const numbers = (version: string): number => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
};

describe('the packages that the package depends on', () => {
  it('run on every Node that it runs on, so that an install warns of none', () => {
    const oldest = numbers(engines.node.replace('>=', ''));
    const tooNew = locked.filter(([, { engines }]) => {
      if (engines?.node === undefined) return false;
      const least = engines.node.split('||').map((range) => /^\s*>=\s*(\d+(\.\d+)*)\s*$/.exec(range)?.[1]);
      return !least.some((version) => version !== undefined && numbers(version) <= oldest);
    });
    expect(locked.length).toBeGreaterThan(20);
    expect(tooNew.map(([path, { engines }]) => `${path}: ${engines?.node}`)).toEqual([]);
  });
});

describe('the client as a package of its own', () => {
  const client = read('packages/client/package.json');

  it('is of one version with the whole, for the same Nodes, under the same license', () => {
    for (const field of ['version', 'engines', 'license', 'type']) expect(client[field]).toEqual(whole[field]);
  });

  it('pins what it depends on as the whole does, and depends on nothing else', () => {
    for (const kind of ['dependencies', 'peerDependencies'] as const) expect(whole[kind]).toMatchObject(client[kind]);
  });

  it('has an entry for each of the client in the whole, made of the same module', () => {
    const names = ['client', 'receipt', 'express', 'fastify', 'hono', 'middy', 'models'];
    const expected = names.map((name) => [
      name === 'client' ? '.' : `./${name}`,
      JSON.parse(JSON.stringify(whole.exports[`./${name}`]).replaceAll('./dist/lib/', './dist/')),
    ]);
    const { './package.json': _, ...entries } = client.exports;
    expect(entries).toEqual(Object.fromEntries(expected));
  });
});
