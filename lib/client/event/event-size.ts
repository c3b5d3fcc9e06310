import { MAX_EVENT_BYTES } from '../../contract/event.ts';
import { noteOfCut } from '../../contract/fit.ts';
import { isObject } from '../../log/json.ts';
import { convertedMembers } from './to-serializable.ts';

/** Bytes of JSON of the largest event that is logged: the rest of what the log takes is for the event's number. */
export const MAX_LOGGED_BYTES: number = MAX_EVENT_BYTES - 256;

/** UTF-16 code units that are kept of a text for people in an event that is too large without any data. */
const KEPT = 200;
/** UTF-16 code units of all paths together. */
const MAX_PLACES = 1500;

type Fields = Record<string, unknown>;

/** An event as JSON, with the paths of changed values. */
export function written(fields: Fields, places: Set<string>): string {
  try {
    const json = JSON.stringify(withPlaces(fields, places));
    // ECMA-262, QuoteJSONString: half of a surrogate pair becomes \\udXXX, which the server does not take.
    if (!json.includes('\\ud')) return json;
  } catch {
    // A getter or a proxy that is something else each time.
  }
  const again = convertedMembers(fields);
  for (const place of again.places) places.add(place);
  return JSON.stringify(withPlaces(again.fields, places));
}

function withPlaces(fields: Fields, places: ReadonlySet<string>): Fields {
  const all = new Set([...(Array.isArray(fields.converted) ? fields.converted.map(String) : []), ...places]);
  return all.size === 0 ? fields : { ...fields, converted: shown([...all].sort()) };
}

/** Hostile events have thousands of such places: the rest of an event is for what happened. */
function shown(paths: readonly string[]): string[] {
  const some: string[] = [];
  let length = 0;
  for (const path of paths) {
    length += path.length;
    if (length > MAX_PLACES) return [...some, `(${paths.length - some.length} more)`];
    some.push(path);
  }
  return some;
}

/** Leaves the names of the members, so that a reader sees what there was. No piece of a value: it may be a secret's. */
export function cutData(fields: Fields, name: 'details' | 'changes', places: Set<string>): void {
  const value = fields[name];
  if (!isObject(value)) return;
  const note = noteOfCut(value, Buffer.byteLength(JSON.stringify(value)));
  fields[name] = name === 'details' ? note : { after: note };
  places.add(name);
}

/** The rest of an event whose texts are too large: who did what to what, and how it ended, within the limits of their texts. */
export function coreOf(fields: Fields, places: Set<string>): Fields {
  const { changes, converted, details, description, actor, resource, ...core } = fields;
  const short = (path: string, value: unknown): unknown => {
    if (typeof value !== 'string' || value.length <= KEPT) return value;
    places.add(path);
    return `${value.slice(0, KEPT - 1).toWellFormed()}…`;
  };
  for (const name of ['changes', 'details']) if (fields[name] !== undefined) places.add(name);
  return {
    ...core,
    ...(description === undefined ? {} : { description: short('description', description) }),
    ...(isObject(actor)
      ? {
          actor: {
            ...actor,
            name: short('actor.name', actor.name),
            userAgent: short('actor.userAgent', actor.userAgent),
          },
        }
      : {}),
    ...(isObject(resource) ? { resource: { ...resource, name: short('resource.name', resource.name) } } : {}),
  };
}
