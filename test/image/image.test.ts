import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastOf, parseDockerfile } from './dockerfile.ts';

/** What can be said of the image without making it; `npm run test:image` runs its steps. */

const ROOT = join(import.meta.dirname, '../..');
const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const image = stages.at(-1) ?? expect.fail('no stage');

describe('the image', () => {
  it('begins from the Node that the tests run on', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const [major] = devDependencies.node.split('.');
    expect(stages.map(({ from }) => from)).toEqual(stages.map(() => `node:${major}-bookworm-slim`));
  });

  it('runs as a user without rights, who alone may look into the data, and says how it is', () => {
    expect(lastOf(image, 'USER')).toBe('node');
    const after = image.steps.slice(image.steps.findIndex(({ name }) => name === 'USER'));
    expect(after.filter(({ name }) => name === 'RUN' || name === 'COPY')).toEqual([]);
    expect(lastOf(image, 'RUN')).toBe('install -d -o node -g node -m 700 /data');
    expect(lastOf(image, 'VOLUME')).toBe('/data');
    expect(lastOf(image, 'HEALTHCHECK')).toContain('/healthz');
  });

  it('is the program itself, to which a stop signal comes, and not a shell around it', () => {
    for (const name of ['ENTRYPOINT', 'CMD']) expect(JSON.parse(lastOf(image, name) ?? '')).toBeInstanceOf(Array);
  });
});
