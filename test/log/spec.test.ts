import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint } from '../../lib/log/checkpoint.ts';
import { toBase64, toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { type Hash, leafHash, ZERO_HASH } from '../../lib/log/hash.ts';
import { identityOf } from '../../lib/log/identity.ts';
import { FIRST_LINK, producerLink } from '../../lib/log/producer.ts';
import { formatProof } from '../../lib/log/proof.ts';
import { recordLine } from '../../lib/log/record.ts';
import { tilePath, tilesOf } from '../../lib/log/tile.ts';
import { proveConsistency, rangeProofFrom } from '../../lib/log/tree.ts';
import { ed25519Key, noteBy } from './keys.ts';

/** The examples of docs/spec.md are computed here from nothing but three events and a seed. */

const spec = readFileSync(new URL('../../docs/spec.md', import.meta.url), 'utf8');

/** What stands in the code block (or table) behind `<!-- example: name -->`. */
function example(name: string): string {
  const [, after] = spec.split(`<!-- example: ${name} -->\n`);
  if (after === undefined) throw new Error(`docs/spec.md has no example ${name}`);
  return after.startsWith('```')
    ? String(after.split('\n```')[0]).replace(/^```.*\n/, '')
    : String(after.split('\n\n')[0]);
}

const ORIGIN = 'audit.example.com/orders';
const key = ed25519Key(5);
const EVENTS = [
  [1_795_234_567_890, '{"actor":{"id":"ann"},"id":"01-order","type":"data.create"}'],
  [1_795_234_567_890, '{"actor":{"id":"bob"},"id":"02-pay","outcome":"denied","type":"data.update"}'],
  [1_795_234_568_890, '{"actor":{"id":"ann"},"description":"Größe 42 €","id":"03-ship","type":"data.update"}'],
] as const;

const lines: string[] = [];
let prev: Hash = ZERO_HASH;
for (const [seq, [receivedAt, event]] of EVENTS.entries()) {
  const submitter = 'arn:aws:iam::123456789012:user/shop';
  const line = recordLine({ trail: 'orders', seq, prev: toHex(prev), receivedAt, submitter }, event);
  prev = leafHash(line);
  lines.push(line);
}
const leaves = lines.map(leafHash);
const growth = appendLeaves(EMPTY_FRONTIER, leaves);
const checkpoint = noteBy(key, ORIGIN, formatCheckpoint({ origin: ORIGIN, size: 3, root: growth.root }));

describe('the example log of docs/spec.md', () => {
  it('has these record lines, chained', () => {
    expect(example('lines')).toBe(lines.join('\n'));
  });

  it('has these leaf hashes and this root', () => {
    expect(example('leaves')).toBe(leaves.map(toHex).join('\n'));
    expect(example('root')).toBe(toHex(growth.root));
  });

  it('has this key and this checkpoint', () => {
    expect(example('vkey')).toBe(key.verifier(ORIGIN).vkey);
    expect(`${example('checkpoint')}\n`).toBe(checkpoint);
  });

  it('has these proofs', async () => {
    const read = async (ids: readonly { level: number; index: number }[]) => ids.map((id) => growth.node(id) as Hash);
    expect(example('consistency')).toBe((await proveConsistency(1, 3, read)).map(toBase64).join('\n'));
    const file = formatProof({ index: 1, hashes: rangeProofFrom(growth, 1, 2), checkpoint });
    expect(`${example('proof')}\n`).toBe(file);
  });
});

describe('the other numbers of docs/spec.md', () => {
  it('has the link of a numbered event', () => {
    expect(example('link')).toBe(producerLink('01-order', { id: 'shop-1', prev: FIRST_LINK, seq: 0 }));
  });

  it('has the rule that says who a submitter is, and its examples', () => {
    const rule = new RegExp(example('identity'), 's');
    const rows = example('identities').split('\n').slice(2);
    expect(rows).toHaveLength(7);
    for (const row of rows) {
      const [submitter = '', identity] = row.split('`').filter((_, at) => at % 2 === 1);
      expect([submitter, rule.exec(submitter)?.[1] ?? submitter]).toEqual([submitter, identity]);
      expect(identityOf(submitter)).toBe(identity);
    }
  });

  it('are right about the tiles of 70,000 records', () => {
    const tiles = [...tilesOf(70_000)];
    const rows = [0, 1, 2].map((level) => {
      const own = tiles.filter((tile) => tile.level === level);
      const partial = own.filter(({ width }) => width < 256).map((tile) => `\`${tilePath(tile)}\``);
      return `| ${level} | ${own.length - partial.length} | ${partial.join()} |`;
    });
    expect(example('tiles of 70000').split('\n').slice(2)).toEqual(rows);
  });

  it('are right about the range proof of the records 2, 3 and 4 of 7', () => {
    const seven = Array.from({ length: 7 }, (_, i) => leafHash(`${i}`));
    const { frontier } = appendLeaves(EMPTY_FRONTIER, seven.slice(0, 2));
    const grown = appendLeaves(frontier, seven.slice(2));
    const expected = [
      { level: 1, index: 0 },
      { level: 0, index: 5 },
      { level: 0, index: 6 },
    ];
    expect(spec).toContain('proof: MTH(D[0:2]), MTH(D[5:6]), MTH(D[6:7])');
    expect(rangeProofFrom(grown, 2, 5).map(toHex)).toEqual(expected.map((id) => toHex(grown.node(id) as Hash)));
  });
});
