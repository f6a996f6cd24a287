"""An endpoint that verifies what it is told: `WEBHOOK_SECRET=whsec_... python examples/webhook.py` listens on port 9000."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from postbridge_client import webhooks


class Endpoint(BaseHTTPRequestHandler):
    """Answers at once; real work belongs into a queue, because slow answers count as failures."""

    def do_POST(self) -> None:
        """401 for a forged or old request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            event = webhooks.verify(body, dict(self.headers.items()), os.environ["WEBHOOK_SECRET"])
        except webhooks.BadSignature as error:
            self.send_error(401, str(error))
            return
        sys.stdout.write(f"{event['type']}: {event['data']}\n")
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 9000), Endpoint).serve_forever()
