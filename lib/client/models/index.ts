/** `sealtrail/models`: logs calls of language models. It needs no package of a provider: what they have in common is enough. */

export { type AuditedModelMiddleware, auditedModel } from './ai-sdk.ts';
export type { ModelAnswer } from './answer.ts';
export { auditAnthropic, auditOpenAI } from './clients.ts';
export type { ModelAudit, ModelAuditOptions, ModelCheck } from './model-calls.ts';
export { type ModelFetchOptions, modelFetch } from './model-fetch.ts';
export type { ModelPrice, TokenUsage } from './usage.ts';
