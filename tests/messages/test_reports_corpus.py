"""A corpus of real bounces that the project does not carry: the samples of flufl.bounce, in its source distribution.

Unpack one and name the folder: BOUNCE_SAMPLES=.../flufl_bounce-6.0.0/tests. Without it these tests are skipped; nothing is downloaded.
Labels: flufl's own (address, warning or failure), read from its test file; and ours, the class that the words of a sample bear out.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from webapp.kernel.ids import uuid7
from webapp.messages.reports import BounceReport, parse_report
from worker.smtp.inbound import late_bounce_of

_FOLDER = os.environ.get("BOUNCE_SAMPLES", "")
SAMPLES = Path(_FOLDER) / "data" if _FOLDER else None
pytestmark = pytest.mark.skipif(SAMPLES is None or not SAMPLES.is_dir(), reason="no bounce samples: set BOUNCE_SAMPLES to the tests folder of flufl.bounce")

_UNKNOWN, _FULL, _INACTIVE, _CONTENT, _EXPIRED = "hard.unknown_user", "soft.mailbox_full", "soft.inactive", "content", "expired"
#: What the words of a sample say, where they say something; read by a person.
CLASSES = {
    **dict.fromkeys(
        "bounce_02 dsn_10 dsn_11 dsn_12 dsn_13 dsn_14 dsn_15 dsn_16 exim_01 groupwise_01 groupwise_02 llnl_01 microsoft_01 microsoft_02 microsoft_04 "
        "postfix_01 qmail_03 qmail_04 qmail_05 simple_05 simple_06 simple_08 simple_11 simple_12 simple_13 simple_15 simple_19 simple_23 simple_25 "
        "simple_26 simple_27 simple_29 simple_30 simple_33 simple_34 simple_36 simple_37 simple_39 simple_41 simple_43 smtp32_04 smtp32_06 smtp32_07 "
        "yahoo_11 yahoo_13".split(),
        _UNKNOWN,
    ),
    **dict.fromkeys(
        "bounce_01 hotpop_01 newmailru_01 postfix_04 qmail_02 qmail_06 qmail_07 simple_01 simple_07 simple_09 simple_14 simple_38 simple_45 yahoo_02 "
        "yahoo_04".split(),
        _FULL,
    ),
    **dict.fromkeys("yahoo_03 yahoo_05 yahoo_06 yahoo_07 yahoo_08 yahoo_09".split(), _INACTIVE),
    **dict.fromkeys("dsn_03 simple_42".split(), _CONTENT),
    **dict.fromkeys("bounce_03 dsn_02 netscape_01 simple_32 simple_44 yahoo_01".split(), _EXPIRED),
    "dsn_18": "hard.bad_domain",
}


def _bounces(path: Path) -> list[BounceReport]:
    return [report for report in parse_report(path.read_bytes()) if isinstance(report, BounceReport)]


def _labels() -> dict[str, tuple[set[str], bool]]:
    """File name -> its addresses in lower case, and whether it only warns."""
    assert SAMPLES is not None
    found: dict[str, tuple[set[str], bool]] = {}
    for node in ast.walk(ast.parse((SAMPLES.parent / "test_detectors.py").read_text())):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "DETECTORS":
            for _, name, addresses, is_temporary in ast.literal_eval(node.value):
                if addresses:
                    found[name] = ({address.decode().lower() for address in addresses}, is_temporary)
    return found


def _share(what: str, right: int, of: int) -> float:
    sys.stdout.write(f"{what}: {right} of {of} = {right / of:.1%}\n")
    return right / of


def test_addresses_and_fates(capsys: pytest.CaptureFixture[str]) -> None:
    assert SAMPLES is not None
    files, labels = sorted(SAMPLES.glob("*.txt")), _labels()
    assert len(files) >= 100 and len(labels) >= 100
    with_address = sum(any(report.recipient or report.original_recipient for report in _bounces(path)) for path in files)
    named = fate = 0
    for name, (wanted, is_temporary) in labels.items():
        reports = _bounces(SAMPLES / name)
        said = {address.lower() for report in reports for address in (report.recipient, report.original_recipient) if address}
        named += said >= wanted
        fate += bool(reports) and all(report.is_bounce is not is_temporary for report in reports)
    with capsys.disabled():
        assert _share("\nsamples with an address", with_address, len(files)) >= 0.90
        assert _share("labelled samples with exactly the labelled addresses among them", named, len(labels)) >= 0.90
        assert _share("labelled samples with the right fate (warning or failure)", fate, len(labels)) >= 0.98


def test_classes(capsys: pytest.CaptureFixture[str]) -> None:
    """Each sample is judged as the inbound server would; and no failure is taken for a hopeless address that is not one."""
    assert SAMPLES is not None
    wrong: dict[str, set[str]] = {}
    for name, wanted in CLASSES.items():
        found = {late_bounce_of(uuid7(), report).reply_class for report in _bounces(SAMPLES / f"{name}.txt")}
        if found != {wanted}:
            wrong[name] = found
    hopeless = {_UNKNOWN, "hard.bad_domain"}
    suppressed = {path.stem for path in SAMPLES.glob("*.txt") for report in _bounces(path) if report.is_bounce and late_bounce_of(uuid7(), report).suppress}
    with capsys.disabled():
        assert _share("\nsamples of a known class judged right", len(CLASSES) - len(wrong), len(CLASSES)) >= 0.95, wrong
    assert suppressed <= {name for name, wanted in CLASSES.items() if wanted in hopeless} | {"yahoo_10"}  # two of its three addresses are unknown


def test_damaged_samples_raise_nothing() -> None:
    assert SAMPLES is not None
    for path in SAMPLES.glob("*.txt"):
        data = path.read_bytes()
        for hurt in (data[: len(data) // 2], data.replace(b"\n", b"\r"), data.replace(b"\n", b"\r\n"), data.replace(b" ", b"\0"), data[::-1], data.upper()):
            parse_report(hurt)
