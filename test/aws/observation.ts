import { CloudWatchClient, DescribeAlarmsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { EVERYTHING } from './emulated.ts';

/** A deployed stack from outside of it: what it logs, what its alarms say, and its schedules. */
export class Observation {
  readonly #stack: string;
  readonly #logs = new CloudWatchLogsClient(EVERYTHING);
  readonly #metrics = new CloudWatchClient(EVERYTHING);
  readonly #functions = new LambdaClient(EVERYTHING);

  constructor(stack: string) {
    this.#stack = stack;
  }

  /** Everything that was logged so far, by log group. */
  async logged(): Promise<ReadonlyMap<string, readonly string[]>> {
    const logged = new Map<string, readonly string[]>();
    const client = this.#logs;
    for await (const { logGroups } of paginateDescribeLogGroups({ client }, { logGroupNamePattern: this.#stack })) {
      for (const { logGroupName } of logGroups ?? []) {
        if (logGroupName === undefined) continue;
        const lines: string[] = [];
        for await (const { events } of paginateFilterLogEvents({ client }, { logGroupName })) {
          lines.push(...(events ?? []).map(({ message = '' }) => message));
        }
        logged.set(logGroupName, lines);
      }
    }
    return logged;
  }

  /** @param alarm its name in docs/alarms.md */
  async alarm(alarm: string): Promise<{ readonly state: string | undefined; readonly tells: readonly string[] }> {
    const { MetricAlarms } = await this.#metrics.send(new DescribeAlarmsCommand({ AlarmNamePrefix: this.#stack }));
    const found = MetricAlarms?.find(({ AlarmName }) => AlarmName?.includes(alarm));
    return { state: found?.StateValue, tells: found?.AlarmActions ?? [] };
  }

  /**
   * Does what CloudWatch does with logs by itself, and ministack does not (see `gaps.aws.test.ts`): takes a metric out of
   * lines in the embedded metric format.
   */
  async takeMetric(name: string): Promise<void> {
    for (const line of [...(await this.logged()).values()].flat()) {
      if (!line.includes('"_aws"')) continue;
      // CloudWatch user guide, "Specification: Embedded metric format"; the line is one that Powertools printed.
      const { _aws, ...values } = JSON.parse(line.slice(line.indexOf('{')));
      for (const { Namespace, Dimensions, Metrics } of _aws.CloudWatchMetrics) {
        if (!Metrics.some(({ Name }: { Name: string }) => Name === name)) continue;
        const dimensions = Dimensions[0].map((Name: string) => ({ Name, Value: values[Name] }));
        const Timestamp = new Date(_aws.Timestamp);
        const MetricData = [values[name]]
          .flat()
          .map((Value: number) => ({ MetricName: name, Dimensions: dimensions, Timestamp, Value }));
        await this.#metrics.send(new PutMetricDataCommand({ Namespace, MetricData }));
      }
    }
  }

  /** Runs a function as EventBridge does when its time has come. @throws Error when the function fails */
  async strike(name: 'Verify'): Promise<void> {
    const client = this.#functions;
    const Payload = JSON.stringify({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} });
    for await (const { Functions } of paginateListFunctions({ client }, {})) {
      for (const { FunctionName = '' } of Functions ?? []) {
        if (!FunctionName.startsWith(`${this.#stack}-Sealtrail${name}`)) continue;
        const { FunctionError, Payload: answer } = await client.send(new InvokeCommand({ FunctionName, Payload }));
        if (FunctionError !== undefined) throw new Error(`${name} failed: ${answer?.transformToString()}`);
        return;
      }
    }
    throw new Error(`there is no function ${name}`);
  }

  close(): void {
    this.#functions.destroy();
    this.#logs.destroy();
    this.#metrics.destroy();
  }
}
