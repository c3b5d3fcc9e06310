import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * Library code that no function here ever runs, left out of the bundles. Each entry says why it is not needed. If it were
 * called after all, it would throw rather than fail silently.
 */

const never = (what: string): string => `() => { throw new Error('not in the bundle: ${what}'); }`;

const NEVER_RUN: readonly { readonly filter: RegExp; readonly contents: string }[] = [
  {
    // DynamoDB's client caches endpoints in it if endpoint discovery is on, which it is not.
    filter: /mnemonist\/lru-cache\.js$/,
    contents: 'module.exports = class extends Map { constructor() { super(); } peek(key) { return this.get(key); } };',
  },
  {
    // None of the operations used here has event streams.
    filter: /@smithy\/core\/dist-es\/submodules\/event-streams\/index\.js$/,
    contents: `
      export const resolveEventStreamSerdeConfig = (config) => config;
      export const eventStreamSerdeProvider = ${never('event streams')};
      export const EventStreamSerde = class { constructor() { (${never('event streams')})(); } };`,
  },
  {
    // Columns of variants and geometries: exports have only texts, numbers and times.
    filter: /hyparquet-writer\/src\/(?:variant|geospatial|wkb)\.js$/,
    contents: [
      'encodeVariantColumn',
      'autoDetectShredding',
      'normalizeShreddingConfig',
      'geospatialStatistics',
      'geojsonToWkb',
    ]
      .map((name) => `export const ${name} = ${never(name)};`)
      .join('\n'),
  },
  // Replacements for OpenSSL in a Node without it.
  { filter: /submodules\/checksum\/sha256\/Sha256Js\.js$/, contents: 'export const Sha256Js = undefined;' },
  { filter: /submodules\/sha\/sha1\/Sha1Js\.js$/, contents: 'export const Sha1Js = undefined;' },
];

interface Edit {
  readonly filter: RegExp;
  readonly loader: 'js' | 'json';
  readonly edit: (source: string) => string;
}

const EDITS: readonly Edit[] = [
  {
    filter: /client-(?:dynamodb|kms|lambda|s3)\/dist-es\/schemas\/schemas_0\.js$/,
    loader: 'js',
    edit: onlySchemasInUse,
  },
  {
    // A client reads only its version from its package.json.
    filter: /@aws-sdk\/client-[^/]+\/package\.json$/,
    loader: 'json',
    edit: (source) => {
      const { version }: { readonly version: string } = JSON.parse(source);
      return JSON.stringify({ version });
    },
  },
  {
    // Only the API's description needs JSON Schema, and it is generated along with the bundles.
    filter: /zod\/v4\/classic\/schemas\.js$/,
    loader: 'js',
    edit: (source) =>
      source
        .replace(/^ +inst\._zod\.processJSONSchema = .*;$/gm, '')
        .replace(
          /^import \{ (\w+), (\w+) \} from "\.\.\/core\/to-json-schema\.js";$/m,
          `const $1 = ${never('JSON Schema')}, $2 = $1;`,
        ),
  },
];

/**
 * A client's schemas name properties by constants, `{[_hH]: ...}`. To a bundler that might run code, so it keeps the schemas
 * of all operations, unless the names are written out. A client also has a class for each error of the service; without it,
 * an error is the service's base class with the same name and status. The drivers need only one of these classes, for its
 * fields.
 */
function onlySchemasInUse(source: string): string {
  const names = new Map([...source.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]));
  return source
    .replace(/\[(\w+)\](?=:)/g, (whole, name: string) => names.get(name) ?? whole)
    .replace(/^n0_registry\.registerError\((?!TransactionCanceledException\$).*\);$/gm, '');
}

export const bundleShims: Plugin = {
  name: 'bundle-shims',
  setup: (context) => {
    for (const { filter, contents } of NEVER_RUN) context.onLoad({ filter }, () => ({ contents, loader: 'js' }));
    for (const { filter, loader, edit } of EDITS) {
      context.onLoad({ filter }, async ({ path }) => ({ contents: edit(await readFile(path, 'utf8')), loader }));
    }
  },
};
