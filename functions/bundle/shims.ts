import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * What libraries bring along and no function here ever runs, left out of the bundles. Each entry says why it cannot be
 * needed; what could be needed after all throws, and does not go wrong in silence.
 */

const never = (what: string): string => `() => { throw new Error('not in the bundle: ${what}'); }`;

const NEVER_RUN: readonly { readonly filter: RegExp; readonly contents: string }[] = [
  {
    // DynamoDB's client keeps endpoints in it once endpoint discovery is switched on, which it is not.
    filter: /mnemonist\/lru-cache\.js$/,
    contents: 'module.exports = class extends Map { constructor() { super(); } peek(key) { return this.get(key); } };',
  },
  {
    // Of event streams there are none in what is called of DynamoDB, S3, KMS and Lambda.
    filter: /@smithy\/core\/dist-es\/submodules\/event-streams\/index\.js$/,
    contents: `
      export const resolveEventStreamSerdeConfig = (config) => config;
      export const eventStreamSerdeProvider = ${never('event streams')};
      export const EventStreamSerde = class { constructor() { (${never('event streams')})(); } };`,
  },
  {
    // Columns of variants and geometries: those of an export are texts, numbers and times.
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
  // What stands in for OpenSSL in a Node that has none.
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
    // A client takes its version from its package.json, and nothing else.
    filter: /@aws-sdk\/client-[^/]+\/package\.json$/,
    loader: 'json',
    edit: (source) => {
      const { version }: { readonly version: string } = JSON.parse(source);
      return JSON.stringify({ version });
    },
  },
  {
    // Schemas make JSON Schema of themselves for the API's description alone, which is written when bundles are made.
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
 * A client's schemas name properties by constants, `{[_hH]: ...}`. That might run code, as far as a bundler can tell, so
 * the schemas of all operations would stay in. With the names written out they do not. And it has a class for each error
 * of the service; without one, an error is the service's general one with the same name and status. The drivers ask for
 * the class, with its fields, of one alone.
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
