import { isObject, parseJson } from '../../log/json.ts';
import { quoted } from '../report/findings.ts';

/** Places that a diff names; more are counted. */
const MAX_PLACES = 3;

/**
 * Where two record lines differ, in words: `event.actor.id is "mallory" here and "alice" there`.
 *
 * @param here the line that is wrong; may be no record at all
 * @param there the line that the other copies have
 */
export function recordDiff(here: string, there: string): string {
  const [a, b] = [parsed(here), parsed(there)];
  if (a === undefined || b === undefined) return 'one of the two is not JSON';
  const places = [...differences(a, b, '')];
  if (places.length === 0) return 'they say the same in other bytes';
  const more = places.length > MAX_PLACES ? `, and ${places.length - MAX_PLACES} more places differ` : '';
  return places.slice(0, MAX_PLACES).join('; ') + more;
}

function parsed(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return undefined; // whatever is wrong with it is reported where the line is read
  }
}

function* differences(here: unknown, there: unknown, path: string): Generator<string, void, void> {
  if (isObject(here) && isObject(there)) {
    for (const key of new Set([...Object.keys(here), ...Object.keys(there)])) {
      yield* differences(here[key], there[key], path === '' ? key : `${path}.${key}`);
    }
  } else if (JSON.stringify(here) !== JSON.stringify(there)) {
    yield `${path} is ${shown(here)} here and ${shown(there)} there`;
  }
}

const shown = (value: unknown): string =>
  value === undefined ? 'missing' : typeof value === 'string' ? quoted(value) : quoted(JSON.stringify(value));
