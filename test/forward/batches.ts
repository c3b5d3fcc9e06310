import type { Batch } from '../../lib/forward/destination.ts';
import { recordEncoder } from '../../lib/forward/formats/encode.ts';
import type { ForwardFormat } from '../../lib/forward/settings.ts';
import { canonicalJson } from '../../lib/json/canonical.ts';
import { recordLineFor } from '../../lib/log/record.ts';

const RECEIVED_AT = 1_767_225_600_000; // 2026-01-01T00:00:00Z

/** Record lines `from` to before `to` of the trail `orders`, by events or by plain ones. */
export function linesOf(from: number, to: number, event: (seq: number) => object = () => ({})): string[] {
  return Array.from({ length: to - from }, (_, n) => {
    const seq = from + n;
    const envelope = { trail: 'orders', seq, prev: '0'.repeat(64), receivedAt: RECEIVED_AT + seq, submitter: 'shop' };
    return recordLineFor(1)(envelope, canonicalJson({ ...event(seq), id: `e-${seq}`, type: 'order.paid' }));
  });
}

/** A batch of such records. */
export function batchOf(from: number, to: number, format: ForwardFormat, event?: (seq: number) => object): Batch {
  const encode = recordEncoder(format, { logName: 'audit.example.com', chain: 'chain', original: false });
  const records = linesOf(from, to, event).map((line, n) => ({
    ...{ seq: from + n, time: RECEIVED_AT + from + n, text: encode(line) },
  }));
  const id = `audit_example_com/orders/siem/${from}-${to}`;
  const proof = { checkpoint: 'audit.example.com/orders\n…', hashes: [] };
  return { id, log: 'audit.example.com', trail: 'orders', from, to, format, records, proof };
}
