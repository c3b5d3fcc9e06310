import { toHex } from '../../log/encoding.ts';
import { leafHash } from '../../log/hash.ts';
import { isObject, ownMember } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';

/**
 * A record as a CloudEvent 1.0 in the JSON event format, in one line with its line end. `data` is the event as it was sealed;
 * the extensions `sealtrailseq` (its number), `sealtrailhash` (its leaf hash) and `sealtrailreceived` say which record it is.
 *
 * @throws `malformed_record`
 */
export function cloudEventLine(line: string, logName: string): string {
  const { event, trail, seq, receivedAt } = parseRecord(line);
  const text = (name: string): string | undefined => {
    const value = ownMember(event, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const received = new Date(receivedAt).toISOString();
  const resource = ownMember(event, 'resource');
  const subject = isObject(resource) ? resource.id : undefined;
  const cloudEvent = {
    specversion: '1.0',
    id: text('id') ?? String(seq),
    source: `//${logName}/${trail}`, // RFC 3986 section 4.2: a reference without a scheme
    type: text('type') ?? 'custom.event',
    time: text('time') ?? received,
    ...(typeof subject === 'string' && subject !== '' ? { subject } : {}),
    datacontenttype: 'application/json',
    sealtrailseq: String(seq),
    sealtrailhash: toHex(leafHash(line)),
    sealtrailreceived: received,
    data: event,
  };
  return `${JSON.stringify(cloudEvent)}\n`;
}
