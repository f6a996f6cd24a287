#!/bin/sh
# One message with cURL. The idempotency key makes it safe to repeat.
set -eu
curl --silent --show-error --fail-with-body "$POSTBRIDGE_URL/api/v1/email/send" \
  -H "Authorization: Bearer $POSTBRIDGE_API_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: example-$$" \
  -d '{"from": "shop@your-domain.com", "to": "customer@example.net", "subject": "Hello", "text": "It works"}'
echo
