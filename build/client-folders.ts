/** The folders of `lib` that the client consists of, which are built for CommonJS too. `test/build` finds one that is missing. */
export const CLIENT_FOLDERS = ['log', 'contract', 'json', 'privacy', 'question', 'client'] as const;
