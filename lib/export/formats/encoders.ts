import type { ExportFormat } from '../../contract/exports.ts';
import { CSV_HEADER, csvRow } from '../../question/csv.ts';
import { cloudEventLine } from './cloud-event.ts';
import type { Encoder } from './encoder.ts';
import { OcsfChain } from './ocsf-chain.ts';

/**
 * The encoder of a format. Parquet's is loaded with the first export that needs it: it is a tenth of the code of a function
 * that makes exports, and most of those never do.
 *
 * @param logName the log's name, which OCSF events carry
 * @param chain names the sequence of records, and no other one: OCSF events carry it too
 */
export async function openEncoder(format: ExportFormat, logName: string, chain = logName): Promise<Encoder> {
  switch (format) {
    case 'ndjson':
      return new RowEncoder((lines) => `${lines.join('\n')}\n`);
    case 'json':
      return new JsonEncoder();
    case 'csv':
      return new RowEncoder((lines) => lines.map(csvRow).join(''), CSV_HEADER);
    case 'ocsf': {
      const events = new OcsfChain(logName, chain);
      return new RowEncoder((lines) => lines.map((line) => events.line(line)).join(''));
    }
    case 'cloudevents':
      return new RowEncoder((lines) => lines.map((line) => cloudEventLine(line, logName)).join(''));
    case 'parquet': {
      const { ParquetEncoder } = await import('./parquet.ts');
      return new ParquetEncoder();
    }
  }
}

/** Formats in which every record stands by itself, after a header or none. */
class RowEncoder implements Encoder {
  readonly #encode: (lines: readonly string[]) => string;
  #header: string;

  constructor(encode: (lines: readonly string[]) => string, header = '') {
    this.#encode = encode;
    this.#header = header;
  }

  add(lines: readonly string[]): Uint8Array {
    const text = lines.length === 0 ? '' : this.#takeHeader() + this.#encode(lines);
    return Buffer.from(text);
  }

  end(): Uint8Array {
    return Buffer.from(this.#takeHeader());
  }

  #takeHeader(): string {
    const header = this.#header;
    this.#header = '';
    return header;
  }
}

/** One array with a record on each line, every byte of which is as it was sealed. */
class JsonEncoder implements Encoder {
  #before = '[\n';

  add(lines: readonly string[]): Uint8Array {
    if (lines.length === 0) return new Uint8Array(0);
    const text = this.#before + lines.join(',\n');
    this.#before = ',\n';
    return Buffer.from(text);
  }

  end(): Uint8Array {
    return Buffer.from(this.#before === '[\n' ? '[]\n' : '\n]\n');
  }
}
