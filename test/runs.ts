/**
 * How many times as often `npm run test:thorough` tries the properties that cost most, and whether it makes what takes seconds by
 * its size. A usual run tries other cases each time, so that all are tried in the end.
 */
const TIMES = Number(process.env.SEALTRAIL_THOROUGH ?? 1);
export const THOROUGH = TIMES > 1;

/** The parameters of a property of fast-check that is tried `usual` times in a usual run. */
export const runs = (usual: number): { readonly numRuns: number } => ({ numRuns: usual * TIMES });
