import { createHash } from 'node:crypto';
import { resolveType } from '../contract/catalogue.ts';
import { timeMillis } from '../contract/time.ts';
import { errorAt, type Step } from '../json/field-path.ts';
import { isObject } from '../log/json.ts';

/** One event (CloudEvents 1.0, JSON event format section 3). */
export const CLOUD_EVENT = 'application/cloudevents+json';
/** An array of them (JSON batch format, section 4). */
export const CLOUD_EVENTS = 'application/cloudevents-batch+json';

/** Context attributes that have a place of their own in an event, or beside it. */
const ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'subject',
  'data',
  'data_base64',
  'traceparent',
]);

/**
 * The event that a CloudEvent stands for: `id` is made of its source and id, which identify it together, so the same
 * CloudEvent has the same id in the log. Its type is kept where it is one (`com.example.order.paid`), else it is
 * `custom.event`. Whatever has no place of its own is in `details.cloudEvent`.
 *
 * Errors: `invalid_event` for anything but a CloudEvent 1.0, unless handling is lenient.
 *
 * @param index in a batch
 */
export function fromCloudEvent(value: unknown, index: number | undefined, isLenient: boolean): unknown {
  if (!isObject(value)) return isLenient ? value : refused(index, undefined, 'must be an object');
  if (!isLenient) assertCloudEvent(value, index);
  const { id, source, type, time, subject, data, data_base64: base64, traceparent } = value;
  const trace = typeof traceparent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent)?.[1] : undefined;
  const known = typeof type === 'string' ? resolveType(type) : undefined;
  const rest = Object.entries(value).filter(([name]) => !ATTRIBUTES.has(name));
  const content = data === undefined ? (base64 === undefined ? {} : { dataBase64: base64 }) : { data };
  return {
    id: `ce-${createHash('sha256')
      .update(JSON.stringify([source, id]))
      .digest('hex')
      .slice(0, 40)}`,
    type: known?.name ?? 'custom.event',
    ...(typeof time === 'string' && timeMillis(time) !== undefined ? { time } : {}),
    ...(subject === undefined ? {} : { resource: { id: subject } }),
    ...(trace === undefined ? {} : { context: { correlation: trace } }),
    details: { cloudEvent: { id, source, type, ...Object.fromEntries(rest) }, ...content },
  };
}

/** The place in the event of what was repaired in a CloudEvent. */
export function placeOfRepair(path: string): string {
  return /^data(?=$|[.[])/.test(path) ? `details.${path}` : `details.cloudEvent.${path}`;
}

function assertCloudEvent(value: Readonly<Record<string, unknown>>, index: number | undefined): void {
  if (value.specversion !== '1.0') refused(index, 'specversion', 'must be "1.0"');
  for (const name of ['id', 'source', 'type']) {
    const attribute = value[name];
    if (typeof attribute !== 'string' || attribute === '') refused(index, name, 'must be a text that is not empty');
  }
  for (const name of ['time', 'subject']) {
    const attribute = value[name];
    if (attribute !== undefined && (typeof attribute !== 'string' || attribute === ''))
      refused(index, name, 'must be a text that is not empty');
  }
  if (value.time !== undefined && timeMillis(String(value.time)) === undefined)
    refused(index, 'time', 'must be an RFC 3339 time');
  if (value.data !== undefined && value.data_base64 !== undefined)
    refused(index, 'data_base64', 'must not come beside data');
}

function refused(index: number | undefined, field: string | undefined, why: string): never {
  const steps: Step[] = [...(index === undefined ? [] : ['events', index]), ...(field === undefined ? [] : [field])];
  throw errorAt('invalid_event', steps, `a CloudEvent: ${why}`);
}
