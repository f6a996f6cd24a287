"""Tracking tokens: only what we signed reads back, for the purpose and the message it was made for."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.messages.verp import find_recipient, make_local_part
from webapp.tracking.tokens import Purpose, Who, make_link_token, make_recipient_token, read_link_token, read_recipient_token

MESSAGE, RECIPIENT = uuid4(), uuid4()


def test_a_token_reads_back_for_its_purpose_only() -> None:
    token = make_recipient_token(MESSAGE, RECIPIENT)
    assert read_recipient_token(token) == Who(MESSAGE, RECIPIENT)
    assert read_recipient_token(token, Purpose.UNSUBSCRIBE) is None


@given(st.text(max_size=120))
def test_rubbish_reads_as_nothing(text: str) -> None:
    assert read_recipient_token(text) is None
    assert read_link_token(text, MESSAGE) is None
    assert find_recipient(text) is None


@given(st.integers(0, 58), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_changed_character_passes(place: int, character: str) -> None:
    token = make_recipient_token(MESSAGE, RECIPIENT)
    changed = token[:place] + character + token[place + 1 :]
    assert changed == token or read_recipient_token(changed) is None


@given(st.text(min_size=1, max_size=300))
def test_links_keep_their_address_to_the_letter(url: str) -> None:
    try:
        url.encode()
    except UnicodeEncodeError:
        return
    token = make_link_token(MESSAGE, url)
    assert read_link_token(token, MESSAGE) == url
    assert read_link_token(token, uuid4()) is None


@pytest.mark.parametrize("mangle", [str.lower, str.upper, lambda text: text])
def test_return_paths_survive_gateways_that_change_case(mangle: object) -> None:
    assert callable(mangle)
    local = make_local_part(RECIPIENT)
    assert len(local) == 43
    assert find_recipient(mangle(local)) == RECIPIENT
    assert find_recipient(local[:-1] + ("a" if local[-1] != "a" else "b")) is None
