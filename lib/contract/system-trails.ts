/** The system trails, to which only the log itself can append. */

/** The trail of events about the log: new trails, verifications, legal holds, tampering, gaps in producer numbering. */
export const SYSTEM_TRAIL = '_system';

/** The trail of accesses: who read what. */
export const ACCESS_TRAIL = '_access';

/** Type of the record in `_system` that names a trail once it has its first record: `resource.id` is the trail. */
export const TRAIL_BEGAN = 'trail.began';

/** The submitter of the log's own records in `_system`. */
export const LOG_SUBMITTER = 'sealtrail';
