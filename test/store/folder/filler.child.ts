// Puts one object that fits and one that does not, and says what happened. Meant to run with a limit on the size of files.
import { SealtrailError } from '../../../lib/log/error.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';

const objects = await FolderObjects.open(process.argv[2] ?? '');
for (const [key, bytes] of [
  ['t/small', 1_000],
  ['t/large', 1_000_000],
  ['t/small too', 1_000],
] as const) {
  for (const operation of ['put', 'replace'] as const) {
    const told = await objects[operation](key.replace(' ', '-'), new Uint8Array(bytes)).then(
      () => 'stored',
      (error: unknown) => (error instanceof SealtrailError ? `${error.code} ${error.message}` : String(error)),
    );
    process.stdout.write(`${operation} ${key}: ${told}\n`);
  }
}
