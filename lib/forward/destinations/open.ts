import type { Destination } from '../destination.ts';
import { secretReader } from '../secrets.ts';
import type { DestinationSettings } from '../settings.ts';
import { Webhook } from './webhook.ts';

/** Makes a destination from its settings, without contacting it. */
export function openDestination(settings: DestinationSettings): Destination {
  switch (settings.type) {
    case 'webhook':
      return new Webhook({ url: settings.url, secret: secretReader(settings.secret) });
  }
}
