import { spawn } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as receipts from '../../lib/client/event/receipt.ts';
import * as client from '../../lib/client/index.ts';
import { AuditCalls, AuditLogger, LogReader } from '../../lib/client/index.ts';
import * as models from '../../lib/client/models/index.ts';
import { cleanEnvironment, type Finished, finished, serve } from '../cli/process.ts';
import { folderUntil } from '../store/temporary.ts';
import { examplesIn } from './examples.ts';

/** Each example in a docstring of the client is run, against a real log, as part of one program. */

const ROOT = resolve(import.meta.dirname, '../..');
const ENTRIES = ['express', 'fastify', 'hono', 'middy'];
/** These need witnesses: reader.test.ts and witnessed.test.ts call them where there are some. */
const WITNESSED = new Set(['witnessed', 'checkWitnessedHead', 'readWitnessedHead']);
const examples = examplesIn(join(ROOT, 'lib/client')).filter(({ of }) => !WITNESSED.has(of));
const url = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, path)).href);
const cleanUps: (() => void)[] = [];
let result: Finished;
afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp();
});

/** What someone else's APIs answer, by the beginning of the address. */
const ANSWERS = {
  'https://api.example.com/': {},
  'https://api.openai.com/': {
    id: 'resp_1',
    object: 'response',
    created_at: 1_767_225_600,
    model: 'gpt-5.2',
    status: 'completed',
    output: [
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Hello.', annotations: [] }],
      },
    ],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  },
  'https://api.anthropic.com/': {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content: [{ type: 'text', text: 'Hello.' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  },
};

/** What stands around the examples: what they import, a log that has something to tell, and someone else's APIs. */
const prelude = `
  import assert from 'node:assert/strict';
  import { writeFile } from 'node:fs/promises';
  import { defaultProvider } from '@aws-sdk/credential-provider-node';
  import { openai } from '@ai-sdk/openai';
  import Anthropic from '@anthropic-ai/sdk';
  import middy from '@middy/core';
  import { generateText, wrapLanguageModel } from 'ai';
  import express from 'express';
  import fastify from 'fastify';
  import { Hono } from 'hono';
  import OpenAI from 'openai';
  import * as entries from ${url('lib/client/index.ts')};
  import * as receipts from ${url('lib/client/event/receipt.ts')};
  import * as models from ${url('lib/client/models/index.ts')};
  import { parseVkey } from ${url('lib/log/note.ts')};
  const { ${Object.keys(client).join(', ')} } = entries;
  const { ${Object.keys(receipts).join(', ')} } = receipts;
  const { ${Object.keys(models).join(', ')} } = models;
  const real = globalThis.fetch;
  const answers = ${JSON.stringify(ANSWERS)};
  const answerOf = (to) => Object.entries(answers).find(([beginning]) => String(to?.url ?? to).startsWith(beginning))?.[1];
  globalThis.fetch = async (to, init) => answerOf(to) === undefined ? real(to, init) : Response.json(answerOf(to));
  Object.assign(process.env, { OPENAI_API_KEY: 'none', ANTHROPIC_API_KEY: 'none' });
  const audit = createAuditLogger({ api: { trail: 'orders' } });
  const { receipt: kept } = await audit.logAndSeal({ type: 'auth.login', actor: { id: 'alice' } });
  const { accessKeyId, secretAccessKey } = await defaultProvider()();
  const endpoint = process.env.SEALTRAIL_ENDPOINT;
  const credentials = async () => ({ accessKeyId, secretAccessKey });
  const asked = new SignedHttp({ endpoint, credentials });
  const { vkey } = (await asked.send({ path: '/v1/keys', query: { trail: 'orders' } })).json().keys[0];
  console.log = () => undefined;
  const report = (what) => process.stdout.write(JSON.stringify(what) + '\\n');
`;

/** An example whose comment is a value is held to it. */
function asProgram({ file, of, code }: (typeof examples)[number], i: number): string {
  const [, value, expected] = /^(.*); \/\/ ([{['][^…]*)$/.exec(code) ?? [];
  const body = value === undefined ? code : `assert.deepEqual(${value}, ${expected});`;
  const entry = ENTRIES.find((name) => file === `middleware/${name}.ts`);
  const own =
    entry === undefined ? '' : `const { auditRequests, auditMiddleware } = await import(${url(`lib/client/${file}`)});`;
  return `try { await (async () => { ${own}\n${body}\n})(); report([${i}, 'ran']); } catch (error) { report([${i}, ${JSON.stringify(of)}, String(error?.stack)]); }`;
}

beforeAll(async () => {
  const folder = folderUntil((task) => cleanUps.push(task));
  const server = await serve(join(folder, 'log'));
  const program = join(folder, 'examples.mjs');
  writeFileSync(program, [prelude, ...examples.map(asProgram), 'process.exit(0);'].join('\n'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const child = spawn(process.execPath, [program], { cwd: folder, env: cleanEnvironment(server.env) });
  result = await finished(child);
  await server.stop();
});

describe('the examples of the client', () => {
  it('all run', () => {
    expect(result.stderr).toBe('');
    const told: unknown[] = result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told).toEqual(examples.map((_, i) => [i, 'ran']));
  });

  it('are there for every public function, and for every call of a logger and a reader', () => {
    const functions = Object.entries({ ...client, ...receipts, ...models }).filter(([name]) => /^[a-z]/.test(name));
    const classes = ['ApiSink', 'FileSink', 'LogHandle', 'MemorySink', 'SignedHttp'];
    const calls = [AuditCalls, AuditLogger, LogReader].flatMap(({ prototype }) =>
      Object.getOwnPropertyNames(prototype),
    );
    const named = new Set(examples.map(({ of }) => of));
    const due = [...functions.map(([name]) => name), ...classes, ...calls, 'auditRequests', 'auditMiddleware'];
    expect(due.filter((name) => name !== 'constructor' && !named.has(name) && !WITNESSED.has(name))).toEqual([]);
    for (const entry of ENTRIES) expect(examples.some(({ file }) => file === `middleware/${entry}.ts`)).toBe(true);
  });
});
