import { rm, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { openApi } from '../../lib/api/core/openapi.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import { bundleShims, uselessShims } from './shims.ts';

/** Bundles each function into one file, for the stack to deploy: `node functions/bundle/bundle.ts [folder]`. */

const HERE = import.meta.dirname;
/** Functions that run during a deployment. */
const DEPLOYMENT = ['guard', 'public-key', 'release', 'empty'] as const;
export const FUNCTIONS = ['append', 'read', 'export', 'seal', 'follow', 'verify', 'witness', ...DEPLOYMENT] as const;

const deployment: ReadonlySet<string> = new Set(DEPLOYMENT);
const sourceOf = (name: string): string => resolve(HERE, deployment.has(name) ? '../deployment' : '..', `${name}.ts`);

/**
 * @param folder receives `<function>/index.mjs` for each function, and the API's description beside the function `read`
 * @returns the bytes that a cold start reads, by function
 * @throws Error where a shim changes nothing any more
 */
export async function bundleFunctions(folder: string): Promise<Record<(typeof FUNCTIONS)[number], number>> {
  const bundle = async (name: (typeof FUNCTIONS)[number]) => {
    const outdir = resolve(folder, name);
    await rm(outdir, { recursive: true, force: true });
    const { metafile } = await build({
      entryPoints: { index: sourceOf(name) },
      outdir,
      outExtension: { '.js': '.mjs' },
      // Keeps dynamic imports out of the file that a cold start reads.
      splitting: true,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minify: true,
      legalComments: 'none',
      mainFields: ['module', 'main'],
      // Some of the SDK's dependencies are CommonJS and call require.
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
      alias: { '@aws-sdk/credential-provider-node': resolve(HERE, '../../lib/store/lambda-credentials.ts') },
      plugins: [bundleShims],
      metafile: true,
      logLevel: 'warning',
    });
    return [name, bytesAtStart(metafile.outputs, relative(process.cwd(), resolve(outdir, 'index.mjs')))] as const;
  };
  const sizes = await Promise.all(FUNCTIONS.map(bundle));
  const useless = uselessShims();
  if (useless.length > 0) throw new Error(`shims that change nothing in any bundle: ${useless.join(', ')}`);
  await writeFile(resolve(folder, 'read/openapi.json'), `${JSON.stringify(openApi(ROUTES))}\n`);
  // The cast: made from that list of names.
  return Object.fromEntries(sizes) as Record<(typeof FUNCTIONS)[number], number>;
}

/** The bytes of a file and of its static imports. */
function bytesAtStart(outputs: Metafile['outputs'], entry: string): number {
  const files = new Set([entry]);
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) if (kind === 'import-statement') files.add(path);
  }
  return [...files].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
}

if (import.meta.main) {
  const sizes = await bundleFunctions(process.argv[2] ?? resolve(HERE, '../../dist/lambda'));
  for (const [name, bytes] of Object.entries(sizes)) process.stdout.write(`${name}: ${Math.ceil(bytes / 1000)} KB\n`);
}
