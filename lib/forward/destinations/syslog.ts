import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery, Destination } from '../destination.ts';

/** Settings of a receiver of syslog over TLS. */
export interface SyslogOptions {
  readonly host: string;
  /** @default 6514 */
  readonly port?: number | undefined;
  /** A file of the certificates that the receiver's must be signed by, in PEM. @default those of Node */
  readonly caFile?: string | undefined;
  /** Files of a certificate and its key, for receivers that ask for one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Facility 13, log audit, and severity 6, informational (RFC 5424 section 6.2.1). */
const PRIORITY = 13 * 8 + 6;
/** RFC 5424 section 9.2.2 reserves 32473 for examples; a private enterprise number of our own there is not. */
const SD_ID = 'sealtrail@32473';

/**
 * A receiver of syslog (RFC 5424) over TLS (RFC 5425), each message with its length before it. Syslog has no acknowledgements: a
 * batch counts as taken once the receiver, after our end of the connection was closed, has closed its own without an error, which
 * it does once it has read all of it.
 */
export class Syslog implements Destination {
  readonly limits = { records: 1000, bytes: 1_000_000 };
  readonly format = 'record';
  readonly proves = true;
  readonly #options: SyslogOptions;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const messages = batch.records.map(({ text, time, seq }) => framed(message(batch, text, time, `seq="${seq}"`)));
    const last = batch.records.at(-1)?.time ?? 0;
    if (batch.proof !== undefined) messages.push(framed(message(batch, batchEvent(batch), last, 'batch="1"')));
    const socket = await this.#connect(signal);
    try {
      const closed = once(socket, 'end', { signal });
      socket.resume();
      socket.end(Buffer.concat(messages));
      await closed;
      return { is: 'taken' };
    } finally {
      socket.destroy();
    }
  }

  async #connect(signal: AbortSignal): Promise<TLSSocket> {
    const { host, port = 6514, caFile, certFile, keyFile } = this.#options;
    const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
    const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
    const socket = connect({
      ...{ host, port, minVersion: 'TLSv1.2', allowHalfOpen: true },
      // An address is no server name (RFC 6066 section 3): the certificate is checked against it all the same.
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
    // What is awaited below fails with an error. One that comes later, when nothing is awaited, must not end the process.
    socket.on('error', () => undefined);
    try {
      await once(socket, 'secureConnect', { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
}

/** RFC 5424 section 6: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG`. */
function message({ log, trail }: Batch, text: string, time: number, seq: string): string {
  const sd = `[${SD_ID} trail="${trail}" ${seq}]`;
  // Section 6.4: a message in UTF-8 begins with a byte order mark.
  return `<${PRIORITY}>1 ${new Date(time).toISOString()} ${log.slice(0, 255)} sealtrail - record ${sd} \u{feff}${text}`;
}

/** RFC 5425 section 4.3: `MSG-LEN SP SYSLOG-MSG`, the length in bytes. */
function framed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}
