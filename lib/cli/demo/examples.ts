import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { SealtrailError } from '../../log/error.ts';
import type { WebhookExamples } from './github.ts';

const PACKAGE = '@octokit/webhooks-examples';

/**
 * Loads the webhook payloads of api.github.com from the package `@octokit/webhooks-examples`.
 *
 * @throws `usage` if the package is not installed: it is a development dependency
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
  // The cast: the package is pinned, and the mapping checks every field of a payload.
  return JSON.parse(await readFile(file, 'utf8')) as readonly WebhookExamples[];
}
