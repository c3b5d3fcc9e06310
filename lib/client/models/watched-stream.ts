/** The observer of a stream as it is read. */
export interface StreamWatch<T> {
  readonly piece: (piece: T) => void;
  /** Once, however it ends: read to the end, given up by its reader, or failed. */
  readonly end: (how: 'read' | 'cancelled' | 'failed', error?: unknown) => void;
}

/** The same stream, piece by piece, no faster than it is read; giving it up gives up the source. */
export function watchedStream<T>(source: ReadableStream<T>, watch: StreamWatch<T>): ReadableStream<T> {
  const reader = source.getReader();
  return new ReadableStream<T>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) {
            watch.end('read');
            controller.close();
            return;
          }
          watch.piece(value);
          controller.enqueue(value);
        } catch (error) {
          watch.end('failed', error);
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        watch.end('cancelled');
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
