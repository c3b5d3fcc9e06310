import { timeMillis } from '../../contract/time.ts';
import { OcsfChain } from '../../export/formats/ocsf-chain.ts';
import type { SealedRecord } from '../../log/record.ts';
import type { ForwardFormat } from '../settings.ts';
import { cefLine } from './cef.ts';
import { ecsEvent } from './ecs.ts';
import { textAt } from './text-at.ts';

/** Encodes the records of one batch, in order. @throws `malformed_record` */
export type EncodeRecord = (line: string) => string;

/**
 * @param chain names the batch's sequence of OCSF attestations
 * @param original whether OCSF and ECS events hold the record's own line
 */
export function recordEncoder(
  format: ForwardFormat,
  { logName, chain, original }: { readonly logName: string; readonly chain: string; readonly original: boolean },
): EncodeRecord {
  switch (format) {
    case 'record':
      return (line) => line;
    case 'ocsf': {
      const events = new OcsfChain(logName, chain, original);
      return (line) => events.line(line).trimEnd();
    }
    case 'ecs':
      return (line) => ecsEvent(line, logName, original);
    case 'cef':
      return (line) => cefLine(line, logName);
  }
}

/** When a record's event happened, by the producer's clock, or else when it was received. Unix milliseconds. */
export const happenedAt = (record: Pick<SealedRecord, 'event' | 'receivedAt'>): number =>
  timeMillis(textAt(record.event, ['time']) ?? '') ?? record.receivedAt;
