/** The trails that the log keeps for itself. Nobody else can append to them. */

/** What happened to the log: verifications, legal holds, tampering, gaps in producer numbering. */
export const SYSTEM_TRAIL = '_system';

/** Who read what. */
export const ACCESS_TRAIL = '_access';
