import { resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it } from 'vitest';

/** What an application that bundles the client carries: measured by esbuild as applications use it. */

const CLIENT = resolve(import.meta.dirname, '../../lib/client/index.ts');
const KB = 1024;

/** @param code of the application @returns its bundles by name; the signer and the credential chain stay outside */
async function bundled(code: string): Promise<Metafile['outputs']> {
  const { metafile } = await build({
    stdin: { contents: code.replace('sealtrail/client', CLIENT), resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['@smithy/signature-v4', '@aws-sdk/credential-provider-node'],
    outdir: 'out',
    metafile: true,
    write: false,
  });
  return metafile.outputs;
}

/** The files that are loaded when the application starts, or can ever be. */
function loaded(
  outputs: Metafile['outputs'],
  when: 'start' | 'ever',
  entry = 'out/stdin.js',
  found = new Set<string>(),
) {
  found.add(entry);
  for (const { path, kind } of outputs[entry]?.imports ?? []) {
    const counts = when === 'ever' || kind === 'import-statement';
    if (counts && path in outputs && !found.has(path)) loaded(outputs, when, path, found);
  }
  return found;
}

const bytes = (outputs: Metafile['outputs'], names: Iterable<string>): number =>
  [...names].reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0);
const sources = (outputs: Metafile['outputs'], names: Iterable<string>): string[] =>
  [...names].flatMap((name) =>
    Object.entries(outputs[name]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
/** Of others. */
const packages = (outputs: Metafile['outputs'], names: Iterable<string>): string[] => [
  ...new Set(
    [...names].flatMap((name) =>
      (outputs[name]?.imports ?? [])
        .filter(({ external, path }) => external === true && !path.startsWith('node:'))
        .map(({ path }) => path),
    ),
  ),
];

describe('an application with the whole client', async () => {
  const outputs = await bundled("export * from 'sealtrail/client';");

  it('loads at most 88 KB at its start; receipts, the spool and questions come when they are used', () => {
    expect(bytes(outputs, loaded(outputs, 'start'))).toBeLessThanOrEqual(88 * KB);
    expect(bytes(outputs, loaded(outputs, 'ever'))).toBeLessThanOrEqual(150 * KB);
  });

  it('carries no code but that of the client, the contract, the log, questions and the rules of privacy, and no other package than the signer and the credential chain', () => {
    const rooms = sources(outputs, loaded(outputs, 'ever')).filter(
      (path) => !/(^|\/)lib\/(client|contract|json|log|privacy|question)\//.test(path),
    );
    expect(rooms).toEqual([]);
    expect(packages(outputs, loaded(outputs, 'ever')).sort()).toEqual([
      '@aws-sdk/credential-provider-node',
      '@smithy/signature-v4',
    ]);
  });
});

describe('an application that uses a part of it', () => {
  it('carries that part: a file sink brings neither the API nor the signer', async () => {
    const outputs = await bundled(
      "import { FileSink } from 'sealtrail/client'; console.log(new FileSink({ dir: 'a' }));",
    );
    expect(
      sources(outputs, loaded(outputs, 'ever')).filter((path) => /api-sink|http\/http|delivery|spool/.test(path)),
    ).toEqual([]);
    expect(packages(outputs, loaded(outputs, 'ever'))).toEqual([]);
    expect(bytes(outputs, loaded(outputs, 'ever'))).toBeLessThan(12 * KB);
  });
});
