import { defined } from '../../base/defined.ts';
import type { Destination } from '../destination.ts';
import { secretReader } from '../secrets.ts';
import type { DestinationSettings, SecretReference } from '../settings.ts';

/** Makes a destination from its settings, without contacting it. Each kind is loaded where it is used. */
export async function openDestination(settings: DestinationSettings): Promise<Destination> {
  switch (settings.type) {
    case 'webhook': {
      const { Webhook } = await import('./webhook.ts');
      return new Webhook({ url: settings.url, secret: secretReader(settings.secret) });
    }
    case 'splunk': {
      const { splunk } = await import('./splunk.ts');
      return splunk({ ...settings, token: secretReader(settings.token) });
    }
    case 'elasticsearch': {
      const { elasticsearch } = await import('./elasticsearch.ts');
      return elasticsearch({ ...settings, authorization: optional(settings.authorization) });
    }
    case 'datadog': {
      const { datadog } = await import('./datadog.ts');
      return datadog({ ...settings, apiKey: secretReader(settings.apiKey) });
    }
    case 'otlp': {
      const { otlp } = await import('./otlp.ts');
      return otlp({ url: settings.url, authorization: optional(settings.authorization) });
    }
    case 'syslog': {
      const { Syslog } = await import('./syslog.ts');
      return new Syslog(settings);
    }
    default:
      return openInAws(settings);
  }
}

type InAws = Extract<DestinationSettings, { readonly type: 'firehose' | 'eventbridge' | 's3' }>;

async function openInAws(settings: InAws): Promise<Destination> {
  const { region, endpoint } = settings;
  const config = defined({ region, endpoint });
  switch (settings.type) {
    case 'firehose': {
      const [{ Firehose }, { FirehoseRecords }] = await Promise.all([
        import('./firehose.ts'),
        import('../../store/streams/firehose.ts'),
      ]);
      return new Firehose(new FirehoseRecords(settings.stream, config));
    }
    case 'eventbridge': {
      const [{ EventBridge }, { BusEvents }] = await Promise.all([
        import('./event-bridge.ts'),
        import('../../store/streams/event-bridge.ts'),
      ]);
      return new EventBridge(new BusEvents(settings.bus, settings.source ?? 'sealtrail', config));
    }
    case 's3': {
      const [{ Bucket }, { BucketObjects }] = await Promise.all([
        import('./bucket.ts'),
        import('../../store/streams/bucket.ts'),
      ]);
      return new Bucket(
        new BucketObjects(settings.bucket, { ...config, forcePathStyle: endpoint !== undefined }),
        settings.prefix,
      );
    }
  }
}

const optional = (reference: SecretReference | undefined): (() => Promise<string>) | undefined =>
  reference === undefined ? undefined : secretReader(reference);
