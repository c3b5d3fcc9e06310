import { describe, expect, it } from 'vitest';
import { problemResponse } from '../../lib/api/core/problem.ts';
import { type ErrorCode, SealtrailError } from '../../lib/log/error.ts';

const answer = (error: unknown) => {
  const { status, headers, body } = problemResponse(error, 'r-1');
  return { status, headers, problem: JSON.parse(String(body)) };
};

describe('a problem', () => {
  it('is RFC 9457 problem details with our code, the field, and the id of the request', () => {
    const error = new SealtrailError('invalid_event', 'must be text', { field: 'events[3].type', cause: 'secret' });
    expect(answer(error)).toEqual({
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
      problem: {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        code: 'invalid_event',
        detail: 'must be text',
        field: 'events[3].type',
        requestId: 'r-1',
      },
    });
  });

  it.each<[code: ErrorCode, status: number]>([
    ['invalid_json', 400],
    ['invalid_event', 400],
    ['invalid_parameter', 400],
    ['invalid_trail', 400],
    ['invalid_cursor', 400],
    ['empty_batch', 400],
    ['record_too_large', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['idempotency_conflict', 409],
    ['batch_too_large', 413],
    ['unsupported_media_type', 415],
    ['rate_limited', 429],
    ['throttled', 503],
    ['unavailable', 503],
    ['store_full', 503],
    ['outcome_unknown', 503],
    ['signer_unavailable', 503],
  ])('with code %s has status %i and tells its code', (code, status) => {
    const { problem, status: told } = answer(new SealtrailError(code, 'words'));
    expect([told, problem.status, problem.code]).toEqual([status, status, code]);
  });

  it.each(['rate_limited', 'throttled', 'unavailable', 'store_full', 'outcome_unknown'] as const)(
    'with code %s says in whole seconds when to try again',
    (code) => {
      expect(answer(new SealtrailError(code, 'words')).headers['retry-after']).toBe('1');
      expect(answer(new SealtrailError(code, 'words', { retryAfter: 2.2 })).headers['retry-after']).toBe('3');
    },
  );

  it('about authentication says how it is done here', () => {
    expect(answer(new SealtrailError('unauthenticated', 'words')).headers['www-authenticate']).toBe('AWS4-HMAC-SHA256');
  });

  it.each<[what: string, error: unknown]>([
    ['a proof that fails inside', new SealtrailError('proof_mismatch', 'row 7 is cut off')],
    ['a code of the command line', new SealtrailError('usage', 'row 7 is cut off')],
    ['an error of no kind of ours', new TypeError('row 7 is cut off')],
    ['no error at all', 'row 7 is cut off'],
    ['nothing', undefined],
  ])('says nothing of the inside: %s', (_, error) => {
    const { status, problem } = answer(error);
    expect([status, problem.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(problem)).not.toMatch(/row ?7|cut off|corrupt|proof|usage/);
    expect(problem.requestId).toBe('r-1');
  });

  it('says that a part of the log cannot be read, and not which', () => {
    const { status, problem } = answer(new SealtrailError('store_corrupt', 'row 7 is cut off', { field: 'row7' }));
    expect([status, problem.code]).toEqual([500, 'store_corrupt']);
    expect(problem.detail).toMatch(/^a part of the log cannot be read, so there is no answer/);
    expect(JSON.stringify(problem)).not.toMatch(/row ?7|cut off/);
  });

  it.each(['store_full', 'unavailable', 'throttled'] as const)(
    'that is the operator’s (%s) names no file of theirs',
    (code) => {
      const error = new SealtrailError(code, '/var/lib/sealtrail.db: no space left');
      expect(JSON.stringify(answer(error).problem)).not.toMatch(/var|space/);
    },
  );

  it.each<[ErrorCode, string]>([
    ['store_full', 'the log cannot store anything at the moment: try again later'],
    ['unavailable', 'the log is not available at the moment: try again'],
    ['throttled', 'the log is busy: try again'],
  ])('of code %s is as true of a question as of an append', (code, detail) => {
    expect(answer(new SealtrailError(code, 'words')).problem.detail).toBe(detail);
  });
});
