import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalPaths, canonicalQueries } from '../../lib/server/sigv4-canonical.ts';

interface Case {
  readonly name: string;
  readonly req: string;
  readonly creq: string;
}

const suite: { cases: Case[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/sigv4/aws4_testsuite.json'), 'utf8'),
);

describe("AWS's own test suite", () => {
  it.each(suite.cases)('$name: path and query are in a form that we accept', ({ req, creq }) => {
    const target = /^\S+ (.*) HTTP\/1\.1/.exec(req)?.[1] ?? '';
    const [path = '', query = ''] = split(target);
    const [, signedPath = '', signedQuery = ''] = creq.split('\n');
    // The suite writes raw UTF-8 and spaces into targets; on a wire they are percent-encoded, as here.
    const onWire = (text: string) => encodeURI(text).replaceAll('%25', '%');
    expect([...canonicalPaths(path), ...canonicalPaths(onWire(path)), onWire(path)]).toContain(signedPath);
    expect([...canonicalQueries(query), ...canonicalQueries(onWire(query))]).toContain(signedQuery);
  });
});

function split(target: string): [string, string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}
