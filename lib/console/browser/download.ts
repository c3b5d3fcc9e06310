/** Hands a file to the reader. */
export function download(name: string, content: string, type = 'application/json'): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  follow(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Lets the browser fetch a file of the log by its link. */
export function follow(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.rel = 'noopener';
  link.click();
}

/** A value as a file that people can read. */
export const asFile = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
