"""F09: the folder of large attachments is full, then read-only, then has room again, while the database is well.

The folder is a tmpfs in a mount namespace of a process of its own, as in F08.
"""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.ledger import Figures, count, drain
from tests.chaos.load import ApiLoad, SmtpLoad, message, post
from tests.chaos.place import Engines, Place, place
from tests.chaos.scenarios import Run
from tests.chaos.scenarios.disk import in_namespace

_TITLE = "attachment folder full, then read-only, then room again"
_MOUNT = (
    'mkdir -p "$1/var/blobs" && mount -t tmpfs -o size=12m,mode=0755 tmpfs "$1/var/blobs" && '
    'exec "$2" -m tests.chaos.scenarios.blobs "$1" "$3" "$4"'
)
#: Over the bound up to which attachments live in the database.
_OCTETS = 300 * 1024


class AttachmentLoad(ApiLoad):
    """As `ApiLoad`, each message with a large file of its own."""

    def body_of(self, address: str) -> dict[str, object]:
        """See ApiLoad."""
        data = base64.b64encode(address.encode().ljust(_OCTETS, b".")).decode()
        return message(address, attachments=[{"filename": "order.bin", "content": data, "content_type": "application/octet-stream"}])


def no_room_for_attachments(run: Run) -> Figures:
    """F09. Recovery: from the moment there is room until the next attachment is taken."""
    return in_namespace(run, Figures("F09", _TITLE), _MOUNT, run.var.parent / "attachments")


def _inside(folder: Path, logs: Path, quick: bool) -> Figures:
    figures, engines, blobs = Figures("F09", _TITLE), Engines(folder / "engines"), folder / "var" / "blobs"
    try:
        engines.start()
        with place(engines, "chaos_f09", folder / "var", logs=logs) as ground:
            total = 60 if quick else 150
            load, plain = AttachmentLoad(ground, total, 2, threads=4, patience=90).start(), SmtpLoad(ground, total, 10, threads=2).start()
            while load.running and not load.answers["503"] and not load.answers["507"]:
                time.sleep(0.2)
            time.sleep(3)
            taken = len(load.acknowledged)
            _look(ground, figures, blobs)
            _mount("remount,size=200m,ro", blobs)
            refused = _answer(ground)
            figures.must(refused in (503, 507), f"with the folder read-only the answer is {refused}")
            _mount("remount,size=200m,rw", blobs)
            freed = time.monotonic()
            for each in (load, plain):
                each.finish()
            figures.recovery = load.first_after(freed)
            drain(ground, 90)
            _look(ground, figures, blobs)
            count(ground, figures, [load, plain])
            figures.must(load.statuses() <= {"202", "200", "503", "507"}, f"API answers {dict(load.answers)}")
            figures.must(plain.statuses() == {"250 2.0.0"}, f"mail without large attachments was answered {dict(plain.answers)}")
            figures.must(load.answers["503"] + load.answers["507"], "the folder was never full")
            figures.must(not load.bare, "a refusal did not say when to come back")
            figures.notes.append(f"{taken} of {total} messages had found room when the folder was full")
    finally:
        engines.stop()
    return figures


def _look(ground: Place, figures: Figures, blobs: Path) -> None:
    """Every row has its body, whole."""
    names = [row[0] for row in ground.rows("select a->>'blob' from message_contents, jsonb_array_elements(attachments) a where a ? 'blob'")]
    missing = [name for name in names if not (blobs / name).is_file() or (blobs / name).stat().st_size != _OCTETS]
    figures.must(not missing, f"{len(missing)} of {len(names)} rows have no body")


def _answer(ground: Place) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", ground.stack.settings.web_port, timeout=30)
    body = message("ok-readonly@dest.example", attachments=[{"filename": "a.bin", "content": base64.b64encode(os.urandom(_OCTETS)).decode()}])
    status = post(connection, ground.secrets.token, body)[0]
    connection.close()
    return status


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-o", options, str(folder)], check=True)


if __name__ == "__main__":
    found = _inside(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "quick")
    print(json.dumps(dataclasses.asdict(found)))
