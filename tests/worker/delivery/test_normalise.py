"""Line ends and dot-stuffing (RFC 5321 2.3.8, 4.5.2; smuggling forms of fault F39)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.normalise import break_long_lines, dot_stuff, longest_line, normalise, normalise_text

octets = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b" ", b"\xff"]), max_size=40).map(b"".join)
ENDS = [b"\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\n.\r\n"]


@given(octets)
def test_normalise_leaves_only_crlf_and_is_idempotent(raw: bytes) -> None:
    once = normalise(raw)
    assert b"\r" not in once.replace(b"\r\n", b"")
    assert b"\n" not in once.replace(b"\r\n", b"")
    assert normalise(once) == once
    assert once.decode("latin-1") == normalise_text(raw.decode("latin-1"))


@given(octets)
def test_dot_stuffing_round_trip(raw: bytes) -> None:
    sent = dot_stuff(normalise(raw))
    lines = sent.split(b"\r\n")
    assert lines.pop() == b""
    assert b"." not in lines
    received = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)
    whole = normalise(raw)
    assert received == (whole if whole.endswith(b"\r\n") else whole + b"\r\n")


@pytest.mark.parametrize("end", ENDS)
def test_no_false_end_of_data_survives(end: bytes) -> None:
    sent = dot_stuff(normalise(b"before" + end + b"MAIL FROM:<evil@example.com>\r\n"))
    assert b"\r\n.\r\n" not in sent
    assert b"\r\n..\r\n" in sent


@pytest.mark.parametrize("raw", [b"\0", b"a\0b\r\n", b"a\r\n.\0\r\n"])
def test_nul_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        normalise(raw)


def test_nul_in_text_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        normalise_text("a\0")


@given(st.lists(st.integers(0, 3500), max_size=5))
def test_long_lines_are_cut(lengths: list[int]) -> None:
    raw = b"\r\n".join(b"x" * length for length in lengths)
    cut = break_long_lines(raw)
    assert longest_line(cut) <= 998
    assert cut.replace(b"\r\n ", b"") == raw


def test_short_lines_stay() -> None:
    raw = b"x" * 998 + b"\r\n" + b"y" * 998
    assert break_long_lines(raw) == raw
