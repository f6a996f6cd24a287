"""How a receiver verifies a delivery, in three languages with nothing installed. The guide shows these; the tests run them."""

from __future__ import annotations

PYTHON = '''import base64, hashlib, hmac, time

def verify(secret, headers, body):
    """True when the raw body (bytes) is from Postbridge. `headers` with names in lower case."""
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split(" "))
'''

NODE = """const crypto = require("node:crypto");

// True when the raw body (a Buffer) is from Postbridge. Give Node's own req.headers.
function verify(secret, headers, body) {
  const stamp = headers["webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${stamp}.`), body]);
  const expected = Buffer.from("v1," + crypto.createHmac("sha256", key).update(signed).digest("base64"));
  return headers["webhook-signature"].split(" ").map((given) => Buffer.from(given))
    .some((given) => given.length === expected.length && crypto.timingSafeEqual(given, expected));
}
"""

PHP = """<?php
// True when the raw body is from Postbridge: verify($secret, getallheaders(), file_get_contents('php://input')).
function verify(string $secret, array $headers, string $body): bool {
    $headers = array_change_key_case($headers);
    $stamp = $headers['webhook-timestamp'];
    if (abs(time() - (int) $stamp) > 300) return false;
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "{$headers['webhook-id']}.$stamp.$body", $key, true));
    foreach (explode(' ', $headers['webhook-signature']) as $given) {
        if (hash_equals($expected, $given)) return true;
    }
    return false;
}
"""

SAMPLES = (
    {"name": "python", "label": "Python", "text": PYTHON},
    {"name": "node", "label": "Node.js", "text": NODE},
    {"name": "php", "label": "PHP", "text": PHP},
)
