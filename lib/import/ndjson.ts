import { resolveType } from '../contract/catalogue.ts';
import { isEventId, type SentEvent } from '../contract/event.ts';
import { contentId, type ImportSource, originalOf, sourceId, unwrapped } from './source.ts';

/** Events of the log's own form, or anything else in JSON. */
export const ndjson: ImportSource = {
  holds: 'events in the form of the log, or any other JSON objects, one a line or in an array',
  records: (value) => unwrapped(value),
  event: (record) => {
    const { type, id } = record;
    const own = typeof id === 'string' && id !== '' ? id : undefined;
    if (typeof type === 'string' && resolveType(type) !== undefined && (own === undefined || isEventId(own))) {
      // The log looks at the rest of it.
      return { ...record, type, id: own ?? contentId('json', record) } as SentEvent;
    }
    const known = own === undefined ? contentId('json', record) : sourceId('json', own);
    return { id: known, type: 'custom.event', details: originalOf('ndjson', record) };
  },
};
