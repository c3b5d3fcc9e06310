import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';

/** Random numbers drawn at once: the library's own source asks the system for every second id. */
const POOL = new Uint32Array(1024);
let next = POOL.length;

const GENERATOR = new V7Generator({
  nextUint32(): number {
    if (next >= POOL.length) {
      randomFillSync(POOL);
      next = 0;
    }
    const number = POOL[next] ?? 0; // always there: next is within the pool
    // What was given out must not be found in memory again.
    POOL[next] = 0;
    next++;
    return number;
  },
});

/** A new event id: a UUIDv7 (RFC 9562 section 5.7), greater than the one before within this process. */
export function newEventId(): string {
  return GENERATOR.generate().toString();
}
