import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkReceipt, readReceipt, type Trust } from '../../client/event/receipt.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import { readText } from '../shell/trust.ts';

/** The verdict on one receipt. `unsealed`: it has no checkpoint yet, so that it proves nothing. */
export type ReceiptVerdict =
  | {
      readonly verdict: 'ok';
      readonly trail: string;
      readonly first: number;
      readonly count: number;
      /** The checkpoint that covers its records: whose it is, and of how many records. */
      readonly origin: string;
      readonly size: number;
    }
  | { readonly verdict: 'unsealed'; readonly trail: string; readonly first: number; readonly count: number }
  | { readonly verdict: 'wrong'; readonly reason: string };

/**
 * Judges the receipts of a file: one JSON document a line, as `append --receipts` writes them, or one document in all, as the
 * API answers. One line is in memory at a time.
 *
 * @throws `usage` for a file that cannot be read, or holds anything else
 */
export async function* judgeReceipts(file: string, trust: Trust): AsyncGenerator<ReceiptVerdict> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (line.trim() === '') continue;
    const document = parsed(line);
    // The first lines of one document over several are none by themselves.
    if (document === undefined && number === 1)
      return yield judge(parsed(await readText(file, 'the receipt')), file, trust);
    yield judge(document, `${file}, line ${number}`, trust);
  }
  if (number === 0) throw new SealtrailError('usage', `${file} is empty`);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SealtrailError('usage', `cannot read the receipts ${file}: ${reason}`, { cause });
  } finally {
    input.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function judge(document: unknown, where: string, trust: Trust): ReceiptVerdict {
  if (!isObject(document)) throw new SealtrailError('usage', `${where} is no receipt: it is no JSON document`);
  try {
    const receipt = readReceipt(document);
    const { trail, first, count } = receipt;
    const checkpoint = checkReceipt(receipt, { trail, count }, trust);
    if (checkpoint === undefined) return { verdict: 'unsealed', trail, first, count };
    const { origin, size } = checkpoint;
    return { verdict: 'ok', trail, first, count, origin, size };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return { verdict: 'wrong', reason: `${where}: ${error.message}` };
  }
}
