"""Code that sends through one bridge, in five languages, filled in and ready to paste; and the two payloads it could send."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from string import Template

from markupsafe import Markup

from webapp.bridges.connection import Connection


@dataclass(frozen=True, slots=True)
class Sample:
    """One language: ``text`` to copy, ``html`` the same with Pygments' classes (escaped)."""

    name: str
    label: str
    text: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Letter:
    """What the samples send."""

    sender: str
    recipient: str
    subject: str = "Order confirmed"
    html: str = "<h1>Thanks!</h1><p>Your order is on its way.</p>"

    @property
    def payload(self) -> dict[str, str]:
        """As the Sending API takes it."""
        return {"from": self.sender, "to": self.recipient, "subject": self.subject, "html": self.html}


_CURL = Template("""\
curl $endpoint \\
  -H $header \\
  -H 'Content-Type: application/json' \\
  -d $json
""")

_PHP = Template("""\
<?php
$$request = stream_context_create(['http' => [
    'method' => 'POST',
    'timeout' => 30,
    'ignore_errors' => true,  // read refusals too
    'header' => [
        $header,
        'Content-Type: application/json',
    ],
    'content' => json_encode([
$fields
    ]),
]]);
$$answer = json_decode((string) file_get_contents($endpoint, false, $$request), true);
if (!isset($$answer['id'])) {
    fwrite(STDERR, 'Not accepted: ' . ($$answer['error']['message'] ?? 'no answer') . PHP_EOL);
    exit(1);
}
echo $$answer['id'], PHP_EOL;
""")

_NODE = Template("""\
// Node 18 or newer, as a module: send.mjs
const response = await fetch($endpoint, {
  method: "POST",
  headers: {
    Authorization: $bearer,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
$fields
  }),
});
const answer = await response.json();
if (!response.ok) {
  console.error("Not accepted:", answer.error.message);
  process.exit(1);
}
console.log(answer.id);
""")

_PYTHON = Template("""\
# With the standard library alone; with requests: requests.post(url, headers=headers, json=message)
import json
import urllib.error
import urllib.request

url = $endpoint
headers = {"Authorization": $bearer, "Content-Type": "application/json"}
message = {
$fields
}
request = urllib.request.Request(url, json.dumps(message).encode(), headers, method="POST")
try:
    with urllib.request.urlopen(request, timeout=30) as response:
        print(json.load(response)["id"])
except urllib.error.HTTPError as error:
    raise SystemExit(f"Not accepted: {error.read().decode()}")
""")

_BASH = Template("""\
#!/usr/bin/env bash
set -euo pipefail

token=$token
payload=$$(cat <<'JSON'
$pretty
JSON
)

curl --silent --show-error --fail-with-body --max-time 30 $endpoint \\
  --header "Authorization: Bearer $$token" \\
  --header "Content-Type: application/json" \\
  --data "$$payload"
echo
""")

_MULTIPART = Template("""\
curl $endpoint \\
  -H $header \\
  -F $from_ \\
  -F $to \\
  -F $subject \\
  -F $html \\
  -F attachments=@invoice.pdf
""")


def samples(connection: Connection, letter: Letter) -> list[Sample]:
    """cURL, PHP, NodeJS, Python and Bash."""
    return [_sample(name, label, lexer, write(connection, letter)) for name, label, lexer, write in _LANGUAGES]


def payload_samples(connection: Connection, letter: Letter) -> tuple[Sample, Sample]:
    """The JSON body, and the same message with a file as multipart form data."""
    as_json = _sample("json", "JSON", "json", json.dumps(letter.payload, indent=2) + "\n")
    return as_json, _sample("multipart", "Multipart", "bash", _write_multipart(connection, letter))


def _sample(name: str, label: str, lexer: str, text: str) -> Sample:
    # Only the page of a bridge's connection asks for it.
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return Sample(name, label, text, Markup(highlight(text, get_lexer_by_name(lexer), HtmlFormatter(nowrap=True))))


def _bearer(connection: Connection) -> str:
    return f"Bearer {connection.api.token}"


def _write_curl(connection: Connection, letter: Letter) -> str:
    body = shlex.quote(json.dumps(letter.payload, indent=2))
    return _CURL.substitute(endpoint=shlex.quote(connection.api.endpoint), header=shlex.quote(f"Authorization: {_bearer(connection)}"), json=body)


def _write_php(connection: Connection, letter: Letter) -> str:
    fields = "\n".join(f"        {_php(name)} => {_php(value)}," for name, value in letter.payload.items())
    return _PHP.substitute(endpoint=_php(connection.api.endpoint), header=_php(f"Authorization: {_bearer(connection)}"), fields=fields)


def _php(text: str) -> str:
    """Single quotes: PHP looks into double ones for variables."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write_node(connection: Connection, letter: Letter) -> str:
    fields = "\n".join(f"    {name}: {json.dumps(value)}," for name, value in letter.payload.items())
    return _NODE.substitute(endpoint=json.dumps(connection.api.endpoint), bearer=json.dumps(_bearer(connection)), fields=fields)


def _write_python(connection: Connection, letter: Letter) -> str:
    fields = "\n".join(f"    {json.dumps(name)}: {json.dumps(value)}," for name, value in letter.payload.items())
    return _PYTHON.substitute(endpoint=json.dumps(connection.api.endpoint), bearer=json.dumps(_bearer(connection)), fields=fields)


def _write_bash(connection: Connection, letter: Letter) -> str:
    return _BASH.substitute(
        endpoint=shlex.quote(connection.api.endpoint), token=shlex.quote(connection.api.token), pretty=json.dumps(letter.payload, indent=2)
    )


def _write_multipart(connection: Connection, letter: Letter) -> str:
    values = {"from_": f"from={letter.sender}", "to": f"to={letter.recipient}", "subject": f"subject={letter.subject}", "html": "html=Thanks! It is attached."}
    quoted = {name: shlex.quote(value) for name, value in values.items()}
    return _MULTIPART.substitute(endpoint=shlex.quote(connection.api.endpoint), header=shlex.quote(f"Authorization: {_bearer(connection)}"), **quoted)


_Writer = Callable[[Connection, Letter], str]
_LANGUAGES: tuple[tuple[str, str, str, _Writer], ...] = (
    ("curl", "cURL", "bash", _write_curl),
    ("php", "PHP", "php", _write_php),
    ("node", "NodeJS", "javascript", _write_node),
    ("python", "Python", "python", _write_python),
    ("bash", "Bash", "bash", _write_bash),
)
