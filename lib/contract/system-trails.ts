/** The system trails, to which only the log itself can append. */

/** The trail of events about the log: new trails, verifications, legal holds, tampering, gaps in producer numbering. */
export const SYSTEM_TRAIL = '_system';

/** The trail of accesses: who read what. */
export const ACCESS_TRAIL = '_access';

/** The trail of heads: each record states the newest archived checkpoint of another trail. Witnesses cosign its checkpoints. */
export const HEADS_TRAIL = '_heads';

/** Type of the records in `_heads`: `resource.id` is the trail, `details` its size and root. */
export const HEAD_STATED = 'trail.head';

/** Type of the record in `_system` that a witness holds another history of `_heads` than the log. */
export const WITNESS_CONFLICT = 'witness.conflict';

/** Type of the record in `_system` that a destination will never take a record: `details.seq` of the trail `resource.id`. */
export const FORWARD_SET_ASIDE = 'forward.set_aside';

/** The trail of the query index: a record for each run of the query index, with its root. */
export const INDEX_TRAIL = '_index';

/** Type of the records in `_index`. */
export const INDEX_RUN = 'index.run';

/** Type of the record in `_system` that runs are stated by rules which this version does not know, so that it cannot check them. */
export const INDEX_UNCHECKED = 'index.unchecked';

/** The submitter of the records in `_index`. */
export const INDEX_SUBMITTER = 'sealtrail:indexer';

/** Type of the record in `_system` that names a trail once it has its first record: `resource.id` is the trail. */
export const TRAIL_BEGAN = 'trail.began';

/** Type of the record in `_system` that names the digest of an export's manifest. */
export const EXPORT_COMPLETED = 'system.export_completed';

/** The submitter of the log's own records in `_system`. */
export const LOG_SUBMITTER = 'sealtrail';
