import { cloudTrail } from './cloudtrail.ts';
import { gitHub } from './github.ts';
import { kubernetesAudit } from './kubernetes.ts';
import { ndjson } from './ndjson.ts';
import { okta } from './okta.ts';
import { otlpJson } from './otlp.ts';
import type { ImportSource } from './source.ts';

/** The sources of `sealtrail import`, by name. docs/importing.md has the mappings. */
export const IMPORT_SOURCES = {
  cloudtrail: cloudTrail,
  'k8s-audit': kubernetesAudit,
  github: gitHub,
  okta,
  'otlp-json': otlpJson,
  ndjson,
} as const satisfies Readonly<Record<string, ImportSource>>;

/** The name of a source. */
export type ImportSourceName = keyof typeof IMPORT_SOURCES;
