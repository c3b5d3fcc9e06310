import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Bundles each function into one file, for the stack to deploy: `node functions/bundle.ts [folder]`. */

const HERE = import.meta.dirname;
export const FUNCTIONS = ['append', 'read', 'seal', 'follow', 'verify'] as const;

/**
 * The S3 client's schemas name the properties of objects by constants, `{[_hH]: ...}`. That might run code, as far as a
 * bundler can tell, so the schemas of all hundred operations would stay in. With the names written out they do not.
 */
const plainSchemas: Plugin = {
  name: 'plain-schemas',
  setup: (context) => {
    context.onLoad({ filter: /client-s3\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const names = new Map(
        [...source.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]),
      );
      const contents = source.replace(/\[(\w+)\](?=:)/g, (whole, name: string) => names.get(name) ?? whole);
      return { contents, loader: 'js' };
    });
  },
};

/** A client takes its version from its package.json, and nothing else. */
const onlyVersions: Plugin = {
  name: 'only-versions',
  setup: (context) => {
    context.onLoad({ filter: /@aws-sdk\/client-[^/]+\/package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, 'utf8')) as { readonly version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

/**
 * Each of the clients' hundred classes of errors sets its own prototype, which the class that they all extend does for
 * them already (`ServiceException` of @smithy/core).
 */
const plainErrors: Plugin = {
  name: 'plain-errors',
  setup: (context) => {
    context.onLoad({ filter: /@aws-sdk\/client-[^/]+\/dist-es\/models\/errors\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      return { contents: source.replace(/^ +Object\.setPrototypeOf\(this, \w+\.prototype\);$/gm, ''), loader: 'js' };
    });
  },
};

/** DynamoDB's client keeps endpoints in a cache of its own once endpoint discovery is switched on, which it is not. */
const smallCache: Plugin = {
  name: 'small-cache',
  setup: (context) => {
    context.onLoad({ filter: /mnemonist\/lru-cache\.js$/ }, () => ({
      contents:
        'module.exports = class extends Map { constructor() { super(); } peek(key) { return this.get(key); } };',
      loader: 'js',
    }));
  },
};

/**
 * @param folder gets `<function>/index.mjs` for each function
 * @returns bytes by function
 */
export async function bundleFunctions(folder: string): Promise<Record<(typeof FUNCTIONS)[number], number>> {
  const bundle = async (name: (typeof FUNCTIONS)[number]) => {
    const outfile = resolve(folder, name, 'index.mjs');
    const { metafile } = await build({
      entryPoints: [resolve(HERE, `${name}.ts`)],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minify: true,
      legalComments: 'none',
      mainFields: ['module', 'main'],
      // Some of what the SDK stands on is CommonJS and calls require.
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
      alias: { '@aws-sdk/credential-provider-node': resolve(HERE, '../lib/store/lambda-credentials.ts') },
      plugins: [plainSchemas, plainErrors, onlyVersions, smallCache],
      metafile: true,
      logLevel: 'warning',
    });
    return [name, Object.values(metafile.outputs)[0]?.bytes ?? 0] as const;
  };
  const sizes = await Promise.all(FUNCTIONS.map(bundle));
  // The list of names is what it was made from.
  return Object.fromEntries(sizes) as Record<(typeof FUNCTIONS)[number], number>;
}

if (import.meta.main) {
  const sizes = await bundleFunctions(process.argv[2] ?? resolve(HERE, '../dist/lambda'));
  for (const [name, bytes] of Object.entries(sizes)) process.stdout.write(`${name}: ${Math.ceil(bytes / 1024)} KB\n`);
}
