import { loadExamples } from '../../lib/cli/demo/examples.ts';
import { eventsOf } from '../../lib/cli/demo/github.ts';

/** The demo's events by trail: 329 of them in five trails. */
export async function demoEvents(): Promise<ReadonlyMap<string, readonly object[]>> {
  const byTrail = Map.groupBy(eventsOf(await loadExamples()), ({ trail }) => trail);
  return new Map([...byTrail].map(([trail, all]) => [trail, all.map(({ event }) => event)]));
}
