import type { Witness, WitnessAnswer } from './witness.ts';

/** A request to a witness. */
export interface WitnessRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Reads the body; undefined: it is longer than {@link MAX_REQUEST_BYTES}. Called for submissions alone. */
  readonly read: () => Promise<Uint8Array | undefined>;
}

/** A proof of 63 hashes and a checkpoint with some ML-DSA-44 lines. */
export const MAX_REQUEST_BYTES = 65_536;

/**
 * Answers a request: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, and `GET /` with the witness's vkeys.
 *
 * @throws as {@link Witness.addCheckpoint}
 * @see C2SP tlog-witness, "HTTP Interface"
 */
export async function answerRequest(witness: Witness, { method, path, read }: WitnessRequest): Promise<WitnessAnswer> {
  if (path === '/add-checkpoint') {
    if (method !== 'POST') return plain(405, 'add-checkpoint takes a POST');
    const body = await read();
    if (body === undefined || body.length > MAX_REQUEST_BYTES) {
      return plain(413, `a request has at most ${MAX_REQUEST_BYTES} bytes`);
    }
    return witness.addCheckpoint(body);
  }
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only add-checkpoint takes anything');
  if (path === '/') return plain(200, (await witness.cosigners()).map(({ vkey }) => vkey).join('\n'));
  const [, originHash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  return originHash === undefined ? plain(404, 'there is nothing here') : witness.readCheckpoint(originHash);
}

const plain = (status: number, text: string): WitnessAnswer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${text}\n`,
});
