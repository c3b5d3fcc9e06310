import { differencesOf } from '../../json/differences.ts';
import { isObject, ownMember } from '../../log/json.ts';
import { shown } from '../browser/format.ts';

/** A change: each path with its value before and after. */
export function ChangesTable({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const changes = Object.entries(differencesOf(before, after));
  return (
    <>
      <h3>Changes</h3>
      <table class="changes">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(([path, what]) => (
            <tr key={path} class={`is-${what}`}>
              <th scope="row">{path === '' ? 'all of it' : path}</th>
              <td>{shown(valueAt(before, path), 2_000)}</td>
              <td>{shown(valueAt(after, path), 2_000)}</td>
            </tr>
          ))}
          {changes.length === 0 && (
            <tr>
              <td colSpan={3}>Nothing differs.</td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}

/** The value at a path as `differencesOf` writes them. A name may hold a dot itself: the longest that fits is taken. */
function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (!isObject(value)) return undefined;
  const name = Object.keys(value)
    .filter((key) => path === key || path.startsWith(`${key}.`))
    .sort((a, b) => b.length - a.length)[0];
  return name === undefined ? undefined : valueAt(ownMember(value, name), path.slice(name.length + 1));
}
