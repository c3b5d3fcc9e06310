#!/usr/bin/env bash
# Appends one event with curl 7.75 or newer, which signs by itself.
# Needs SEALTRAIL_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary credentials, AWS_SESSION_TOKEN.
set -euo pipefail

token=()
[ -z "${AWS_SESSION_TOKEN:-}" ] || token=(-H "x-amz-security-token: $AWS_SESSION_TOKEN")

# The same idempotency key gives the same receipt, so a retry never appends twice.
curl -sS --fail-with-body \
  --aws-sigv4 "aws:amz:${AWS_REGION:-us-east-1}:execute-api" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "${token[@]}" \
  -H 'content-type: application/json' -H "idempotency-key: ${1:-backup-2026-11-30}" \
  -d '{"type":"backup.finished","actor":{"id":"cron","type":"service"},"outcome":"success"}' \
  "$SEALTRAIL_ENDPOINT/v1/trails/examples/events"
