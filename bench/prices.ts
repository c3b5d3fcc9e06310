/**
 * List prices in US dollars: us-east-1, on demand, without free tiers. Read on 21 November 2026 on the pricing pages of the services
 * (aws.amazon.com/<service>/pricing).
 */
export const PRICES = {
  /** DynamoDB, a write request unit: 1 KB, twice that in a transaction. */
  writeUnit: 0.625 / 1e6,
  /** DynamoDB, a read request unit: 4 KB, strongly consistent. */
  readUnit: 0.125 / 1e6,
  /** KMS, an asymmetric signature with an ECC key. */
  signature: 0.15 / 1e4,
  /** KMS, a key for a month. */
  key: 1,
  /** API Gateway, a request of an HTTP API. */
  apiRequest: 1 / 1e6,
  /** Lambda on arm64, a GB-second. */
  gigabyteSecond: 0.0000133334,
  /** Lambda, an invocation. */
  invocation: 0.2 / 1e6,
  /** S3, a PUT or LIST. */
  put: 5 / 1e6,
  /** S3, a GET. */
  get: 0.4 / 1e6,
  /** CloudWatch, an alarm for a month, a composite one, a metric and a dashboard. */
  alarm: 0.1,
  compositeAlarm: 0.5,
  metric: 0.3,
  dashboard: 3,
} as const;
