import { LOG_SUBMITTER, SYSTEM_TRAIL, TRAIL_BEGAN } from '../../contract/system-trails.ts';
import { isObject } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Line } from '../records/check-line.ts';

/** Cheap to look for; few records of `_system` have it. */
const MARK = Buffer.from(`"type":"${TRAIL_BEGAN}"`);

/** The trails that records of `_system` say have begun. */
export class BegunTrails {
  readonly #isSystem: boolean;
  readonly #trails = new Set<string>();

  /** @param trail whose records are read: those of other trails say nothing */
  constructor(trail: string) {
    this.#isSystem = trail === SYSTEM_TRAIL;
  }

  /** @param line a record that could be read */
  add(line: Line): void {
    if (!this.#isSystem) return;
    const { leaf } = line;
    if (!leaf.includes(MARK)) return;
    const { event, submitter } = parseRecord(leaf.subarray(1));
    const { type, resource } = event;
    if (submitter !== LOG_SUBMITTER || type !== TRAIL_BEGAN || !isObject(resource)) return;
    const { id } = resource;
    if (typeof id === 'string' && (isTrailName(id) || isSystemTrailName(id))) this.#trails.add(id);
  }

  list(): readonly string[] {
    return [...this.#trails];
  }
}
