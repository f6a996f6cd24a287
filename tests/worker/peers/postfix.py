"""A real Postfix on loopback, from a configuration of its own: takes mail as an MX host or from those who log in, and passes it on to a sink."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.peers.postfix import Postfix
from bench.place import VAR
from webapp.stack.binaries import public_home

USER, REALM, PASSWORD = "shop", "mx.postfix.test", "p@ss word"
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class Peer(Postfix):
    """Offers TLS, SMTPUTF8 and a login over TLS; `nouser@` and `later@` are refused, and mail that is called "refuse me"."""

    def __init__(self, folder: Path, sink_port: int, pem: Path, *, logins: bool) -> None:
        self._pem, self._logins = pem, logins
        super().__init__(folder, sink_port, 2)
        (self._etc / "recipients").write_text("nouser@postfix.test 550 5.1.1 no such user here\nlater@postfix.test 450 4.3.2 please come back later\n")
        (self._etc / "headers").write_text("/^Subject: refuse me/ REJECT this looks like spam\n")
        (self._etc / "sasl").mkdir()
        sasl = {"pwcheck_method": "auxprop", "auxprop_plugin": "sasldb", "sasldb_path": str(folder / "sasldb2"), "mech_list": "PLAIN LOGIN CRAM-MD5"}
        (self._etc / "sasl" / "smtpd.conf").write_text("".join(f"{name}: {value}\n" for name, value in sasl.items()))

    def _main(self, sink_port: int, connections: int) -> dict[str, str]:
        etc = self._etc
        entry = "permit_sasl_authenticated, reject" if self._logins else "permit_auth_destination, reject"
        return {
            **super()._main(sink_port, connections),
            "smtputf8_enable": "yes", "myhostname": REALM, "relay_domains": "postfix.test", "mynetworks": "", "message_size_limit": "2097152",
            "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": str(self._pem), "smtpd_tls_key_file": str(self._pem), "smtpd_tls_received_header": "yes",
            "smtpd_recipient_restrictions": f"check_recipient_access texthash:{etc}/recipients, {entry}", "smtpd_relay_restrictions": entry,
            "header_checks": f"regexp:{etc}/headers", "smtpd_sasl_auth_enable": "yes" if self._logins else "no", "smtpd_tls_auth_only": "yes",
            "cyrus_sasl_config_path": f"{etc}/sasl", "smtpd_sasl_local_domain": REALM, "smtp_address_preference": "ipv4", "relay_transport": "smtp",
        }  # fmt: skip

    def log(self) -> str:
        """What it wrote down."""
        path = self._folder / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running_postfix(sink_port: int, pem: Path, *, logins: bool = False) -> Iterator[Peer]:
    """One for the length of a block. Skips where it cannot be had or not be run."""
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    if shutil.which("postfix", path=_SBIN) is None:
        pytest.skip("Postfix is not installed")
    tool = shutil.which("saslpasswd2", path=_SBIN)
    if logins and (tool is None or not any(Path("/usr/lib").glob("*/sasl2/libsasldb.so"))):
        pytest.skip("Postfix is here, but not what it checks logins with: sasl2-bin and libsasl2-modules-db")
    (VAR / "logs").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=public_home()))
    folder.chmod(0o755)
    try:
        own = shutil.copy(pem, folder / "pem")
        postfix = Peer(folder, sink_port, Path(own), logins=logins)
        if logins:
            argv = [str(tool), "-p", "-c", "-f", str(folder / "sasldb2"), "-u", REALM, USER]
            subprocess.run(argv, input=PASSWORD.encode(), check=True, capture_output=True)
            shutil.chown(folder / "sasldb2", "postfix")
        try:
            postfix.start()
            yield postfix
        finally:
            postfix.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
