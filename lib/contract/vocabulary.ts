/** The severities of events, lowest first. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** The outcomes of an attempt. */
export const OUTCOMES = ['success', 'failure', 'denied', 'blocked', 'error'] as const;
/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** The kinds of actors. */
export const ACTOR_TYPES = ['user', 'system', 'admin', 'agent', 'service'] as const;
/** One of {@link ACTOR_TYPES}. */
export type ActorType = (typeof ACTOR_TYPES)[number];

/** The decisions of a policy about an action. */
export const DECISIONS = ['allow', 'deny', 'require_approval'] as const;
/** One of {@link DECISIONS}. */
export type Decision = (typeof DECISIONS)[number];

/** The type of an agent's request. */
export const ACTION_REQUESTED = 'action.requested';
/** The types that say what became of a request: that which has the same `context.action`. */
export const ACTION_ENDS: readonly string[] = ['action.executed', 'action.failed', 'action.denied'];
