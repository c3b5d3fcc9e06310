/** Milliseconds of a UTC day. Unix time has no leap seconds. */
export const DAY_MS = 86_400_000;
