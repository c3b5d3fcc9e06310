import { afterEach, beforeEach, type MockInstance, vi } from 'vitest';

/** What a function prints in CloudWatch's embedded metric format, as far as tests look at it. */
export interface Printed {
  readonly namespace: string;
  readonly dimensions: readonly (readonly string[])[];
  readonly service: unknown;
  /** Unit by metric. */
  readonly units: Readonly<Record<string, string>>;
  /** Values by metric, one for each time that it was counted. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** Keeps what functions print from the terminal while a file's tests run, and reads the metrics in it. */
export function capturePrinted(): {
  metrics(): Printed[];
  /** Values of a metric, one for each time that it was counted. */
  all(name: string): number[];
  /** Everything, on both streams. */
  text(): string;
} {
  let write: MockInstance;
  let complain: MockInstance;
  beforeEach(() => {
    write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    complain = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  });
  afterEach(() => {
    write.mockRestore();
    complain.mockRestore();
  });
  const metrics = (): Printed[] =>
    write.mock.calls.flatMap(([chunk]) =>
      String(chunk)
        .split('\n')
        .filter((line) => line.includes('"_aws"'))
        .map(parse),
    );
  const text = (): string => [...write.mock.calls, ...complain.mock.calls].map(([chunk]) => String(chunk)).join('');
  return { metrics, all: (name) => metrics().flatMap(({ values }) => values[name] ?? []), text };
}

/** CloudWatch user guide, "Specification: Embedded metric format". */
function parse(line: string): Printed {
  const { _aws, ...rest } = JSON.parse(line);
  const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
  const names: { Name: string; Unit: string }[] = Metrics;
  return {
    namespace: Namespace,
    dimensions: Dimensions,
    service: rest.service,
    units: Object.fromEntries(names.map(({ Name, Unit }) => [Name, Unit])),
    values: Object.fromEntries(names.map(({ Name }) => [Name, [rest[Name]].flat()])),
  };
}
