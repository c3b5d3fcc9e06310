/** The type of an agent's request. */
export const ACTION_REQUESTED = 'action.requested';
/** The types that say what became of a request: that which has the same `context.action`. */
export const ACTION_ENDS: readonly string[] = ['action.executed', 'action.failed', 'action.denied'];
