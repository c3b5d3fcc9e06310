import type { GivenFile } from '../evidence/given-file.ts';

const PART = 4_000_000;

/** A file of the browser as the checks take it. */
const givenFile = (path: string, file: File): GivenFile => ({
  path,
  size: file.size,
  bytes: async () => new Uint8Array(await file.arrayBuffer()),
  async *parts() {
    for (let at = 0; at < file.size; at += PART) yield new Uint8Array(await file.slice(at, at + PART).arrayBuffer());
  },
});

/** The files of an input, with their paths below the folder that was chosen. */
export async function filesOfInput(list: FileList | null): Promise<GivenFile[]> {
  return [...(list ?? [])].map((file) => givenFile(file.webkitRelativePath || file.name, file));
}

/** The files that were dropped, and those in folders that were. */
export async function filesOfDrop(drop: DataTransfer | null): Promise<GivenFile[]> {
  // All entries are taken before anything is awaited: then the browser forgets them.
  const entries = [...(drop?.items ?? [])].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<GivenFile[]> {
  if (entry instanceof FileSystemFileEntry) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [givenFile(entry.fullPath.replace(/^\//, ''), file)];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesIn))).flat();
}
