import { type EventName, resolveType } from '../../contract/catalogue.ts';
import { diff } from '../event/diff.ts';
import type { AnyName, LogEvent } from '../event/event.ts';
import type { LogHandle } from './handle.ts';

/** The optional fields of a call. */
export type Fields = Omit<LogEvent, 'type'>;

/** How full a budget is. */
export interface Budget {
  readonly name: string;
  readonly spent: number;
  readonly limit: number;
  readonly unit?: string;
  /** Percent from which on it is a warning. @default 80 */
  readonly warnAt?: number;
}

/** The part of the catalogue's names behind a category. */
type In<Category extends string> = EventName extends infer Name
  ? Name extends `${Category}.${infer What}`
    ? What
    : never
  : never;
/** A word of the catalogue, or any other. */
type Word<Known extends string> = Known | (string & Record<never, never>);

/** Shorthand calls for frequent types of events. Each is one `log`. @typeParam Name of the types of events that may be logged */
export abstract class AuditCalls<Name extends string = AnyName> {
  abstract log(event: LogEvent<Name>): LogHandle;

  /**
   * `auth.login`, `auth.login_failed`, …, with the type's outcome, or `success`, where none is given.
   *
   * @example audit.auth('login', { actor: { id: 'alice' } })
   */
  auth(what: Word<In<'auth'>>, fields: Fields = {}): LogHandle {
    const type = `auth.${what}`;
    return this.#log({ outcome: resolveType(type)?.outcome ?? 'success', ...fields, type });
  }

  /**
   * `data.update` and the like, with outcome `success` where none is given; `changes` gets a list of what differs, in `details.changed`.
   *
   * @example audit.data('update', { resource: { type: 'user', id: '7' }, changes: { before: { a: 1 }, after: { a: 2 } } })
   */
  data(what: 'read' | 'create' | 'update' | 'delete' | 'export' | 'import', fields: Fields = {}): LogHandle {
    const { changes, details } = fields;
    const changed = changes === undefined ? {} : { changed: diff(changes.before, changes.after) };
    const both = { ...details, ...changed };
    const described = Object.keys(both).length === 0 ? {} : { details: both };
    return this.#log({ outcome: 'success', ...fields, type: `data.${what}`, ...described });
  }

  /** `security.alert`, `security.threat_detected`, … @example audit.security('ip_blocked', { details: { ip: '192.0.2.1' } }) */
  security(what: Word<In<'security'>>, fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: `security.${what}` });
  }

  /** A request to a language model. @example audit.request({ details: { model: 'm-1', tokens: 12 } }) */
  request(fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: 'llm.request' });
  }

  /** Its response. @example audit.response({ outcome: 'success', details: { tokens: 80 } }) */
  response(fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: 'llm.response' });
  }

  /** A check that fails is a `compliance.violation`. @example audit.complianceCheck('retention', false) */
  complianceCheck(check: string, passed: boolean, fields: Fields = {}): LogHandle {
    const outcome = passed ? 'success' : 'failure';
    const type = passed ? 'compliance.check' : 'compliance.violation';
    return this.#log({ outcome, ...fields, type, details: { ...fields.details, check } });
  }

  /** @example audit.error(new Error('disk full')) */
  error(error: unknown, fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: 'system.error', details: { ...fields.details, error } });
  }

  /** Any type of one's own. @example audit.custom('invoice.paid', { details: { total: 12 } }) */
  custom(type: Name, fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type });
  }

  /**
   * With the decision `deny` it is an `action.denied`.
   *
   * @example audit.actionRequested('a-1', { decision: 'require_approval', details: { reasons: ['costly'] } })
   */
  actionRequested(action: string, fields: Fields = {}): LogHandle {
    return this.#action(fields.decision === 'deny' ? 'action.denied' : 'action.requested', action, fields);
  }

  /** @example audit.actionValidated('a-1') */
  actionValidated(action: string, fields: Fields = {}): LogHandle {
    return this.#action('action.validated', action, { decision: 'allow', ...fields });
  }

  /** @example audit.actionDenied('a-1', ['over budget']) */
  actionDenied(action: string, reasons: readonly string[], fields: Fields = {}): LogHandle {
    const details = { ...fields.details, reasons };
    return this.#action('action.denied', action, { decision: 'deny', ...fields, details });
  }

  /**
   * With an outcome other than success it is an `action.failed`. What was executed had been allowed, if `decision` does not say
   * otherwise.
   *
   * @param durationMs how long it took, milliseconds
   * @example audit.actionExecuted('a-1', 152)
   */
  actionExecuted(action: string, durationMs: number, fields: Fields = {}): LogHandle {
    const type = (fields.outcome ?? 'success') === 'success' ? 'action.executed' : 'action.failed';
    const details = { ...fields.details, durationMs };
    return this.#action(type, action, { decision: 'allow', outcome: 'success', ...fields, details });
  }

  /** @example audit.approval('granted', 'ap-1', { actor: { id: 'bob' } }) */
  approval(what: 'requested' | 'granted' | 'denied' | 'expired', approval: string, fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: `approval.${what}`, context: { ...fields.context, approval } });
  }

  /**
   * `budget.checked`, from `warnAt` percent on `budget.warning`, above the limit `budget.exceeded`. Of a limit of 0, anything
   * is 100 percent.
   *
   * @example audit.budget({ name: 'tokens', spent: 90, limit: 100 }) // budget.warning, details.usagePercent 90
   */
  budget({ name, spent, limit, unit, warnAt = 80 }: Budget, fields: Fields = {}): LogHandle {
    const usagePercent = limit > 0 ? Math.round((spent / limit) * 10_000) / 100 : spent > 0 ? 100 : 0;
    const state = spent > limit ? 'exceeded' : usagePercent >= warnAt ? 'warning' : 'checked';
    const details = { ...fields.details, budget: name, spent, limit, unit, usagePercent };
    return this.#log({ ...fields, type: `budget.${state}`, details });
  }

  /** @example audit.emergencyStop('runaway loop', { context: { agent: 'agent-7' } }) */
  emergencyStop(reason: string, fields: Fields = {}): LogHandle {
    return this.#log({ ...fields, type: 'agent.emergency_stop', description: reason });
  }

  #action(type: string, action: string, fields: Fields): LogHandle {
    return this.#log({ ...fields, type, context: { ...fields.context, action } });
  }

  #log(event: LogEvent): LogHandle {
    return this.log(event as LogEvent<Name>); // The cast: calls that there are may be made, whatever names are left.
  }
}
