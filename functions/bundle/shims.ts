import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * Library code that no function here ever runs, left out of the bundles. Each entry says why it is not needed. If it were
 * called after all, it would throw rather than fail silently.
 */

const never = (what: string): string => `() => { throw new Error('not in the bundle: ${what}'); }`;

const NEVER_RUN: readonly { readonly filter: RegExp; readonly contents: string }[] = [
  {
    // DynamoDB's client discovers endpoints where it is told to, which it is not.
    filter: /middleware-endpoint-discovery\/dist-es\/resolveEndpointDiscoveryConfig\.js$/,
    contents: 'export const resolveEndpointDiscoveryConfig = (config) => config;',
  },
  {
    // Signatures for several regions, and with sessions of S3 Express: the log's buckets are in one region, and none of that kind.
    filter: /signature-v4-multi-region\/dist-es\/SignatureV4MultiRegion\.js$/,
    contents: `
      import { SignatureV4 } from '@smithy/signature-v4';
      export class SignatureV4MultiRegion extends SignatureV4 { static sigv4aDependency() { return 'none'; } }`,
  },
  {
    filter: /middleware-s3-express\/classes\/S3ExpressIdentityProviderImpl\.js$/,
    contents: `export class S3ExpressIdentityProviderImpl { getS3ExpressIdentity() { (${never('S3 Express')})(); } }`,
  },
  {
    filter: /client-s3\/dist-es\/commands\/CreateSessionCommand\.js$/,
    contents: 'export const CreateSessionCommand = undefined;',
  },
  {
    // The clients ask for the standard mode of retries.
    filter: /util-retry\/AdaptiveRetryStrategy\.js$/,
    contents: `export class AdaptiveRetryStrategy { constructor() { (${never('adaptive retries')})(); } }`,
  },
  {
    // Lambda passes the region through the environment.
    filter: /regionConfig\/getInstanceMetadataRegion\.js$/,
    contents: `export const getInstanceMetadataRegion = ${never('metadata of an instance')};`,
  },
  {
    // A function has no home folder, and all settings in its environment: this spares each cold start two reads of files.
    filter: /shared-ini-file-loader\/loadSharedConfigFiles\.js$/,
    contents: `
      export const CONFIG_PREFIX_SEPARATOR = '.';
      export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
  },
  // Streams as browsers have them: Node's HTTP client gives and takes Node's own.
  {
    filter: /util-stream\/sdk-stream-mixin\.browser\.js$/,
    contents: `export const sdkStreamMixin = ${never('web streams')};`,
  },
  {
    filter: /util-stream\/checksum\/createChecksumStream\.browser\.js$/,
    contents: `export const createChecksumStream = ${never('web streams')};`,
  },
  // For bodies that are uploaded as streams; all bodies here are whole.
  {
    filter: /util-stream\/getAwsChunkedEncodingStream\.js$/,
    contents: `export const getAwsChunkedEncodingStream = ${never('streamed uploads')};`,
  },
  {
    filter: /util-stream\/createBufferedReadable\.js$/,
    contents: `export const createBufferedReadable = ${never('streamed uploads')};`,
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
    // Signatures of the messages of an event stream.
    filter: /signature-v4\/dist-es\/HeaderFormatter\.js$/,
    contents: `export class HeaderFormatter { format() { (${never('event streams')})(); } }`,
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
  // Replacements for OpenSSL and zlib in a Node without them.
  { filter: /submodules\/checksum\/crc32\/Crc32Js\.js$/, contents: 'export const Crc32Js = undefined;' },
  { filter: /submodules\/checksum\/sha256\/Sha256Js\.js$/, contents: 'export const Sha256Js = undefined;' },
  { filter: /submodules\/sha\/sha1\/Sha1Js\.js$/, contents: 'export const Sha1Js = undefined;' },
  { filter: /submodules\/checksum\/md5\/Md5Js\.js$/, contents: 'export const Md5Js = undefined;' },
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
    // Steps of each request that do nothing here: for a client with a logger, for S3 Express, for buckets of other regions, and for
    // buckets that are URLs.
    filter: /client-[^/]+\/dist-es\/\w+Client\.js$/,
    loader: 'js',
    edit: (source) =>
      source.replace(
        /^.*\.use\(get(?:Logger|S3Express\w*|RegionRedirectMiddleware|ValidateBucketName)Plugin\(.*$/gm,
        '',
      ),
  },
  {
    // Keys of the customer's own that go with each request, and a warning about streams of unknown length.
    filter: /client-s3\/dist-es\/commandBuilder\.js$/,
    loader: 'js',
    edit: (source) => source.replace(/\bget(?:Ssec|CheckContentLengthHeader)Plugin\(config\),/g, ''),
  },
  {
    // Lists of regions, with the names that people read. Each region that a function runs in matches its partition's pattern,
    // which is what counts where a list is empty; only the likes of `aws-cn-global` match none.
    filter: /util-endpoints\/lib\/aws\/partitions\.js$/,
    loader: 'js',
    edit: (source) =>
      source.replace(/"regions": \{(?:\s*"[\w-]+": \{\s*"description": "[^"]*"\s*\},?)*\s*\}/g, '"regions": {}'),
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
    // Only the API's description needs JSON Schema, and it is generated along with the bundles. The methods of strings for addresses,
    // dates and the like, `z.string().email()`, bring all of these formats; where one is needed there is `z.email()`.
    filter: /zod\/v4\/classic\/schemas\.js$/,
    loader: 'js',
    edit: (source) =>
      source
        .replace(/^ +inst\._zod\.processJSONSchema = .*;$/gm, '')
        .replace(/^(export const ZodString = [^{]+\{[^}]+\}), \{[\s\S]*?^\}\);$/m, '$1);')
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

/** The shims that have changed a file. */
const changed = new Set<RegExp>();

/** Shims that have changed nothing in any bundle: the library has another form by now. */
export const uselessShims = (): readonly string[] =>
  [...NEVER_RUN, ...EDITS].filter(({ filter }) => !changed.has(filter)).map(({ filter }) => filter.source);

export const bundleShims: Plugin = {
  name: 'bundle-shims',
  setup: (context) => {
    for (const { filter, contents } of NEVER_RUN) {
      context.onLoad({ filter }, () => {
        changed.add(filter);
        return { contents, loader: 'js' };
      });
    }
    for (const { filter, loader, edit } of EDITS) {
      context.onLoad({ filter }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const contents = edit(source);
        if (contents !== source) changed.add(filter);
        return { contents, loader };
      });
    }
  },
};
