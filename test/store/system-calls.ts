import { basename } from 'node:path';

type FileSystem = typeof import('node:fs/promises');

/** The calls made since `run` began, and which of them is to fail. */
const system = { calls: [] as string[], failAt: 0, failWith: 'EIO' };

/** Counts a call and fails it if its turn has come. */
function enter(call: string): void {
  system.calls.push(call);
  if (system.calls.length !== system.failAt) return;
  throw Object.assign(new Error(`${system.failWith}: planned`), { code: system.failWith });
}

/**
 * A file system whose calls are recorded and can be made to fail.
 *
 * @example
 * vi.mock('node:fs/promises', async (importOriginal) => (await import('../system-calls.ts')).recorded(await importOriginal()));
 */
export function recorded(real: FileSystem): FileSystem {
  const wrapped: Record<string, unknown> = { ...real };
  for (const name of ['mkdir', 'link', 'rename', 'unlink', 'lstat', 'realpath', 'readdir', 'rm'] as const) {
    // The arguments and the result are passed through as they are.
    const call = real[name] as (...args: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...args: unknown[]) => {
      enter(`${name} ${args.slice(0, 2).map(nameOf).join(' ').trim()}`);
      return call(...args);
    };
  }
  wrapped.open = async (...args: Parameters<FileSystem['open']>) => {
    const name = nameOf(args[0]);
    enter(`open ${name}`);
    const handle = await real.open(...args);
    const writeFile = handle.writeFile.bind(handle);
    const sync = handle.sync.bind(handle);
    return Object.assign(handle, {
      writeFile: async (bytes: Uint8Array) => {
        // A disk fills up in the middle of a write.
        await writeFile(bytes.subarray(0, 1));
        enter(`write ${name}`);
        await writeFile(bytes.subarray(1));
      },
      sync: async () => {
        enter(`sync ${name}`);
        await sync();
      },
    });
  };
  return wrapped as FileSystem; // The same names, each with the same signature as far as the drivers use it.
}

/** Runs work with the nth system call failing; 0: none. @returns the calls made, and `ok` or the error's code. */
export async function run(work: () => Promise<unknown>, failAt = 0, failWith = 'EIO') {
  Object.assign(system, { calls: [], failAt, failWith });
  const told = await work().then(
    () => 'ok',
    (error) => error.code,
  );
  const { calls } = system;
  Object.assign(system, { calls: [], failAt: 0 });
  return { told, calls };
}

/** The last segment of a path; `tmp` for the random names of unfinished writes. */
function nameOf(path: unknown): string {
  if (typeof path !== 'string') return '';
  return /[0-9a-f]{8}-[0-9a-f-]{27}$/.test(path) ? 'tmp' : basename(path);
}
