/** Matches the name of an application's trail. */
export const TRAIL_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Matches the name of a system trail: the same, after an underscore. */
const SYSTEM_TRAIL_NAME = /^_[a-z0-9][a-z0-9-]{0,61}$/;

export const isTrailName = (name: string): boolean => TRAIL_NAME.test(name);
export const isSystemTrailName = (name: string): boolean => SYSTEM_TRAIL_NAME.test(name);
