import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystem, Token } from 'aws-cdk-lib';
import { Code, type ILayerVersion, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { textLength } from '../resources/deployed-size.ts';

/** Maximum bytes of a function's variables (Lambda developer guide, "Lambda quotas"). */
const LIMIT = 4096;
/** Reserved for variables of single functions, and for names that turn out longer. */
const RESERVE = 256;
/** The name of the file in the layer. */
const FILE = 'sealtrail-variables.json';

/** The variables of the functions: in their environment, and in a layer if they do not fit there. */
export interface Variables {
  readonly environment: Readonly<Record<string, string>>;
  readonly layers: readonly ILayerVersion[];
}

/**
 * Moves the longest variables into a file in a layer if they do not all fit into the environment. The file is present when a
 * function starts: unlike a parameter or an object it costs no request, no permission and no time.
 *
 * @throws RangeError if the values known only at deployment, which no file can hold, are too long by themselves
 */
export function fitted(scope: Construct, variables: Readonly<Record<string, string>>): Variables {
  const bytes = (name: string, text: string) => Buffer.byteLength(name) + textLength(scope, text);
  const size = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).reduce((sum, [name, text]) => sum + bytes(name, text), 0);
  const room = LIMIT - RESERVE;
  if (size(variables) <= room) return { environment: variables, layers: [] };

  const inside = { ...variables, SEALTRAIL_VARIABLES: `/opt/${FILE}` };
  const outside: Record<string, string> = {};
  const movable = Object.entries(variables).filter(([, text]) => !Token.isUnresolved(text));
  for (const [name, text] of movable.sort(([, a], [, b]) => b.length - a.length)) {
    if (size(inside) <= room) break;
    outside[name] = text;
    Reflect.deleteProperty(inside, name);
  }
  if (size(inside) > room) {
    throw new RangeError(
      `the functions' variables have ${size(inside)} bytes and Lambda takes ${LIMIT}: name fewer keys`,
    );
  }
  const folder = FileSystem.mkdtemp('sealtrail-variables-');
  writeFileSync(join(folder, FILE), JSON.stringify(outside));
  const layer: unknown = new LayerVersion(scope, 'Variables', {
    description: 'Sealtrail: what the functions are told and does not fit their environment',
    code: Code.fromAsset(folder),
    compatibleRuntimes: [Runtime.NODEJS_24_X],
  });
  return { environment: inside, layers: [layer as ILayerVersion] }; // CDK is not written for exactOptionalPropertyTypes
}
