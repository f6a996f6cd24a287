"""Mail programs that are not ours, over the bridge's SMTP login: swaks, Python, Node, PHP."""

from __future__ import annotations

import base64
import json
import shutil
import smtplib
import subprocess
from pathlib import Path

import pytest

from tests.e2e.calls import arrived, html_of, id_in, letter, login_smtp, no_checks, send_over, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on this machine")


def test_swaks_over_starttls(demo: Demo) -> None:
    _needs("swaks")
    smtp = demo.credentials["bridge"]["smtp"]
    argv = [
        "swaks", "--server", "127.0.0.1", "--port", str(smtp["port"]), "--tls", "--auth", "LOGIN", "--auth-user", smtp["username"],
        "--auth-password", smtp["password"], "--from", demo.credentials["from"], "--to", to(demo, "delivered"),
        "--header", "Subject: From swaks", "--body", "Hello",
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    accepted = next(line for line in done.stdout.splitlines() if "250" in line and "2.0.0" in line and "-7" in line)
    wait_delivered(demo, id_in(accepted))


def test_python_over_implicit_tls(demo: Demo) -> None:
    smtp = demo.credentials["bridge"]["smtp"]
    with smtplib.SMTP_SSL("127.0.0.1", demo.stack.settings.submission_tls_port, timeout=20, context=no_checks()) as client:
        client.login(smtp["username"], smtp["password"])
        message_id = send_over(client, letter(demo, "delivered", "From Python"))
    assert arrived(demo, message_id)["Subject"] == "From Python"


def test_a_password_in_the_clear_is_refused(demo: Demo) -> None:
    smtp = demo.credentials["bridge"]["smtp"]
    with smtplib.SMTP("127.0.0.1", smtp["port"], timeout=20) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        secret = base64.b64encode(f"\0{smtp['username']}\0{smtp['password']}".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {secret}")[0] in (504, 530, 538)


def test_one_session_sends_many(demo: Demo) -> None:
    with login_smtp(demo, demo.credentials["bridge"]["smtp"]) as client:
        ids = [send_over(client, letter(demo, "delivered", f"Number {number}")) for number in range(5)]
    assert len(set(ids)) == 5
    for message_id in ids:
        wait_delivered(demo, message_id)


_NODEMAILER = """
const [host, port, user, pass, from, to] = process.argv.slice(2);
const transport = require("nodemailer").createTransport({
  host, port: Number(port), secure: false, requireTLS: true, auth: { user, pass }, tls: { rejectUnauthorized: false },
});
const attachments = [{ filename: "ä.txt", content: "Grüße" }];
transport.sendMail({ from, to, subject: "From Node ☂", text: "Hello", html: "<p>Hello</p>", attachments })
  .then((sent) => { console.log(JSON.stringify(sent)); transport.close(); })
  .catch((error) => { console.error(error); process.exit(1); });
"""


def test_nodemailer(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    _needs("node")
    folder = node_modules(tmp_path_factory, "nodemailer@7").parent
    (folder / "send.cjs").write_text(_NODEMAILER)
    smtp = demo.credentials["bridge"]["smtp"]
    words = ["127.0.0.1", str(smtp["port"]), smtp["username"], smtp["password"], demo.credentials["from"], to(demo, "delivered")]
    done = subprocess.run(["node", "send.cjs", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    mail = arrived(demo, id_in(json.loads(done.stdout)["response"]))
    assert mail["Subject"] == "From Node ☂"
    assert [(file.get_filename(), file.get_content().strip()) for file in mail.iter_attachments()] == [("ä.txt", "Grüße")]


_PHP = """<?php
[$_, $url, $token, $from, $to] = $argv;
$curl = curl_init($url);
curl_setopt_array($curl, [
    CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ["Authorization: Bearer $token", 'Content-Type: application/json'],
    CURLOPT_POSTFIELDS => json_encode(['from' => $from, 'to' => $to, 'subject' => 'From PHP', 'html' => '<p>Hello</p>']),
]);
echo curl_exec($curl);
"""


def test_php_over_the_api(demo: Demo, tmp_path: Path) -> None:
    _needs("php")
    if "curl" not in subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=30, check=False).stdout.split():
        pytest.skip("this PHP lacks its curl module")
    (tmp_path / "send.php").write_text(_PHP)
    known = demo.credentials
    words = [f"{known['api_url']}/email/send", known["bridge"]["token"], known["from"], to(demo, "delivered")]
    done = subprocess.run(["php", "send.php", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["status"] == "queued", done.stdout + done.stderr
    assert "Hello" in html_of(arrived(demo, json.loads(done.stdout)["id"]))
