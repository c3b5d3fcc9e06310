import * as z from 'zod';
import { hotRetentionSchema } from '../followers/expiry/retention.ts';
import { type ForwardSettings, forwardSchema } from '../forward/settings.ts';
import { privacyConfigSchema } from '../privacy/config/privacy-config.ts';

/** `config.json` of a data folder. */
export const configFileSchema = z.strictObject({
  logName: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9./-]{0,252}[a-z0-9])?$/, 'must look like audit.example.com')
    .describe("The log's name: the first part of every checkpoint's origin. Must never change."),
  privacy: privacyConfigSchema.describe('What is redacted and masked, by trail.').optional(),
  retention: hotRetentionSchema
    .describe('How long records stay in the database once the archive has them, by trail.')
    .optional(),
  forward: forwardSchema.optional(),
  recordReads: z.boolean().describe('Whether the trail `_access` keeps who read what. Default: it does.').optional(),
});
export type Config = z.infer<typeof configFileSchema>;

/** The same given at start, in place of the folder's: the log's name, if it is there, must be the folder's. */
export const givenConfigSchema = configFileSchema.partial({ logName: true });

/** Settings that hold from one start to the next, over those of the folder's `config.json`, which stays as it is. */
export interface StartSettings {
  /** A file of the form of `config.json` that is read in its place. */
  readonly configFile?: string;
  /** The treatment of e-mail and IP addresses, in trails for which the configuration has nothing of its own. */
  readonly pii?: 'mask' | 'include';
  /** Days that records stay in the database, in trails for which the configuration has nothing of its own. */
  readonly hotDays?: number | 'forever';
  /** A file with the setting `forward`, which is read in place of that of `config.json`. */
  readonly forwardFile?: string;
}

/** A configuration with settings that were given at start. They hold for every trail that it does not name. */
export function withSettings(config: Config, { pii, hotDays }: StartSettings, forward?: ForwardSettings): Config {
  const { privacy, retention } = config;
  return {
    ...config,
    ...(forward && { forward }),
    ...(pii && { privacy: { ...privacy, default: { ...privacy?.default, pii } } }),
    ...(hotDays !== undefined && { retention: { ...retention, default: { ...retention?.default, hotDays } } }),
  };
}

/** The name of the file beside `config.json` that editors complete and check it by. */
export const CONFIG_SCHEMA_FILE = 'config.schema.json';

/** The JSON Schema of `config.json` (draft 7, which editors know best), made from the schema that reads it. */
export function configJsonSchema(): string {
  const file = configFileSchema.extend({
    $schema: z.string().describe('Where this schema is, for editors.').optional(),
    format: z.literal(1).describe('The format of the file, which the log writes.').optional(),
  });
  const schema = { title: "config.json of a Sealtrail log's data folder", ...z.toJSONSchema(file, OPTIONS) };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const OPTIONS = { target: 'draft-7', io: 'input' } as const;
