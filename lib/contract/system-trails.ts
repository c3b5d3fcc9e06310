/** The trails that the log keeps for itself. Nobody else can append to them. */

/** What happened to the log: trails that began, verifications, legal holds, tampering, gaps in producer numbering. */
export const SYSTEM_TRAIL = '_system';

/** Who read what. */
export const ACCESS_TRAIL = '_access';

/** Type of the record in `_system` that names a trail once it has its first record: `resource.id` is the trail. */
export const TRAIL_BEGAN = 'trail.began';

/** The submitter of what the log itself records in `_system`. */
export const LOG_SUBMITTER = 'sealtrail';
