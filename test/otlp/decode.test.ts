import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../../lib/log/error.ts';
import { decodeMessage } from '../../lib/otlp/decode.ts';
import { readOtlp } from '../../lib/otlp/requests.ts';
import { runs } from '../runs.ts';

/** The promise: protobuf is read as what OTLP/JSON writes for it, and no bytes cost more than their length. */

const message = (fill: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter();
  fill(writer);
  return writer.finish();
};
const inside = (writer: BinaryWriter, number: number, bytes: Uint8Array): BinaryWriter =>
  writer.tag(number, WireType.LengthDelimited).bytes(bytes);
const text = (writer: BinaryWriter, number: number, value: string): BinaryWriter =>
  writer.tag(number, WireType.LengthDelimited).string(value);

/** AnyValue in each of its forms. */
const values = {
  text: message((w) => text(w, 1, 'naïve')),
  yes: message((w) => w.tag(2, WireType.Varint).bool(true)),
  whole: message((w) => w.tag(3, WireType.Varint).int64('-9007199254740993')),
  half: message((w) => w.tag(4, WireType.Bit64).double(0.5)),
  none: message((w) => w.tag(4, WireType.Bit64).double(Number.NaN)),
  list: message((w) =>
    inside(
      w,
      5,
      message((l) =>
        inside(
          inside(
            l,
            1,
            message((v) => text(v, 1, 'a')),
          ),
          1,
          message((v) => text(v, 1, 'b')),
        ),
      ),
    ),
  ),
  map: message((w) =>
    inside(
      w,
      6,
      message((l) =>
        inside(
          l,
          1,
          message((kv) => text(kv, 1, 'k')),
        ),
      ),
    ),
  ),
  bytes: message((w) => w.tag(7, WireType.LengthDelimited).bytes(Buffer.from([1, 2, 255]))),
};
const attribute = (key: string, value: Uint8Array): Uint8Array => message((w) => inside(text(w, 1, key), 2, value));

const LOG = message((w) => {
  w.tag(1, WireType.Bit64).fixed64('1767225600123456789');
  w.tag(2, WireType.Varint).int32(17);
  text(w, 3, 'ERROR');
  inside(w, 5, values.text);
  for (const [key, value] of Object.entries(values)) inside(w, 6, attribute(key, value));
  w.tag(8, WireType.Bit32).fixed32(1);
  w.tag(9, WireType.LengthDelimited).bytes(Buffer.from('5b8efff798038103d269b633813fc60c', 'hex'));
  w.tag(10, WireType.LengthDelimited).bytes(Buffer.from('eee19b7ec3c1b174', 'hex'));
  text(w, 12, 'user.login');
  w.tag(99, WireType.LengthDelimited).string('of a later version');
});
const REQUEST = message((w) =>
  inside(
    w,
    1,
    message((r) => {
      inside(
        r,
        1,
        message((resource) =>
          inside(
            resource,
            1,
            attribute(
              'service.name',
              message((v) => text(v, 1, 'shop')),
            ),
          ),
        ),
      );
      inside(
        r,
        2,
        message((scope) =>
          inside(
            inside(
              scope,
              1,
              message((s) => text(s, 1, 'lib')),
            ),
            2,
            LOG,
          ),
        ),
      );
    }),
  ),
);

describe('a request in protobuf', () => {
  it('is what OTLP/JSON writes for it', () => {
    expect(decodeMessage(REQUEST, 'ExportLogsServiceRequest')).toEqual({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeLogs: [
            {
              scope: { name: 'lib' },
              logRecords: [
                {
                  timeUnixNano: '1767225600123456789',
                  severityNumber: 17,
                  severityText: 'ERROR',
                  body: { stringValue: 'naïve' },
                  attributes: [
                    { key: 'text', value: { stringValue: 'naïve' } },
                    { key: 'yes', value: { boolValue: true } },
                    { key: 'whole', value: { intValue: '-9007199254740993' } },
                    { key: 'half', value: { doubleValue: 0.5 } },
                    { key: 'none', value: { doubleValue: 'NaN' } },
                    { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
                    { key: 'map', value: { kvlistValue: { values: [{ key: 'k' }] } } },
                    { key: 'bytes', value: { bytesValue: 'AQL/' } },
                  ],
                  flags: 1,
                  traceId: '5b8efff798038103d269b633813fc60c',
                  spanId: 'eee19b7ec3c1b174',
                  eventName: 'user.login',
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('becomes the same events as in JSON', async () => {
    const json = Buffer.from(JSON.stringify(decodeMessage(REQUEST, 'ExportLogsServiceRequest')));
    const fromJson = await readOtlp(json, 'logs', 'json');
    expect(await readOtlp(REQUEST, 'logs', 'protobuf')).toEqual(fromJson);
    expect(fromJson.events).toMatchObject([{ type: 'user.login', severity: 'error', actor: { id: 'shop' } }]);
  });

  it('of nothing has no events, and what was sent to the wrong path has none either', async () => {
    for (const encoding of ['json', 'protobuf'] as const) {
      expect(await readOtlp(new Uint8Array(0), 'logs', encoding)).toEqual({ events: [], rejected: 0 });
    }
    const spans = Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}');
    expect(await readOtlp(spans, 'logs', 'json')).toEqual({ events: [], rejected: 0 });
    expect(await readOtlp(spans, 'traces', 'json')).toEqual({ events: [], rejected: 1 });
  });
});

describe('hostile bytes', () => {
  const refuses = (bytes: Uint8Array) => {
    try {
      decodeMessage(bytes, 'ExportLogsServiceRequest');
    } catch (error) {
      return error instanceof SealtrailError ? error.code : error;
    }
    return 'taken';
  };

  it('are refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['taken', 'invalid_json']).toContain(refuses(bytes));
      }),
      runs(500),
    );
    fc.assert(
      fc.property(fc.nat({ max: REQUEST.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        expect(['taken', 'invalid_json']).toContain(refuses(REQUEST.with(at, byte)));
      }),
      runs(500),
    );
    for (let length = 1; length < REQUEST.length; length++)
      expect(refuses(REQUEST.slice(0, length))).toBe('invalid_json');
  });

  it('do not nest without end', () => {
    let value = values.text;
    for (let depth = 0; depth < 200; depth++)
      value = message((w) =>
        inside(
          w,
          5,
          message((l) => inside(l, 1, value)),
        ),
      );
    const log = message((w) => inside(w, 5, value));
    const bytes = message((w) =>
      inside(
        w,
        1,
        message((r) =>
          inside(
            r,
            2,
            message((s) => inside(s, 2, log)),
          ),
        ),
      ),
    );
    expect(refuses(bytes)).toBe('invalid_json');
  });

  it('do not become more values than a request may have', () => {
    const empty = Buffer.alloc(1_000_000).fill(Buffer.from([0x12, 0x00])); // 500,000 empty log records
    const bytes = message((w) =>
      inside(
        w,
        1,
        message((r) => inside(r, 2, empty)),
      ),
    );
    expect(refuses(bytes)).toBe('batch_too_large');
  });
});
