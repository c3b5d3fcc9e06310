import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { SealtrailError } from '../../log/error.ts';
import type { WebhookExamples } from './github.ts';

const PACKAGE = '@octokit/webhooks-examples';

/**
 * The webhook payloads of api.github.com, as the package `@octokit/webhooks-examples` has them.
 *
 * Errors: `usage` where the package is not installed, as with a published Sealtrail: it is a development dependency.
 */
export async function loadExamples(): Promise<readonly WebhookExamples[]> {
  let file: string;
  try {
    file = createRequire(import.meta.url).resolve(PACKAGE);
  } catch (cause) {
    throw new SealtrailError('usage', `the demo sends the payloads of ${PACKAGE}: run "npm install ${PACKAGE}" first`, {
      cause,
    });
  }
  // The shape of a package that is pinned; the mapping looks before it touches any field of a payload.
  return JSON.parse(await readFile(file, 'utf8')) as readonly WebhookExamples[];
}
