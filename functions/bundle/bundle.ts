import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { openApi } from '../../lib/api/core/openapi.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import { bundleShims } from './shims.ts';

/** Bundles each function into one file, for the stack to deploy: `node functions/bundle/bundle.ts [folder]`. */

const HERE = import.meta.dirname;
/** What runs while a stack is deployed. */
const DEPLOYMENT = ['guard', 'public-key', 'release', 'empty'] as const;
export const FUNCTIONS = ['append', 'read', 'export', 'seal', 'follow', 'verify', ...DEPLOYMENT] as const;

const deployment: ReadonlySet<string> = new Set(DEPLOYMENT);
const sourceOf = (name: string): string => resolve(HERE, deployment.has(name) ? '../deployment' : '..', `${name}.ts`);

/**
 * @param folder gets `<function>/index.mjs` for each function, and the API's description beside the one that reads
 * @returns bytes by function
 */
export async function bundleFunctions(folder: string): Promise<Record<(typeof FUNCTIONS)[number], number>> {
  const bundle = async (name: (typeof FUNCTIONS)[number]) => {
    const outfile = resolve(folder, name, 'index.mjs');
    const { metafile } = await build({
      entryPoints: [sourceOf(name)],
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
      alias: { '@aws-sdk/credential-provider-node': resolve(HERE, '../../lib/store/lambda-credentials.ts') },
      plugins: [bundleShims],
      metafile: true,
      logLevel: 'warning',
    });
    return [name, Object.values(metafile.outputs)[0]?.bytes ?? 0] as const;
  };
  const sizes = await Promise.all(FUNCTIONS.map(bundle));
  await writeFile(resolve(folder, 'read/openapi.json'), `${JSON.stringify(openApi(ROUTES))}\n`);
  // The list of names is what it was made from.
  return Object.fromEntries(sizes) as Record<(typeof FUNCTIONS)[number], number>;
}

if (import.meta.main) {
  const sizes = await bundleFunctions(process.argv[2] ?? resolve(HERE, '../../dist/lambda'));
  for (const [name, bytes] of Object.entries(sizes)) process.stdout.write(`${name}: ${Math.ceil(bytes / 1000)} KB\n`);
}
