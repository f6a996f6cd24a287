"""Passwords of people: Argon2id as OWASP asks (19 MiB, 2 passes, 1 lane: about 20 ms), and rules that stop the guessable ones."""

from __future__ import annotations

import functools
import re
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.kernel.errors import ValidationFailed

MIN_LENGTH = 12
MAX_LENGTH = 256
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_COMMON = Path(__file__).with_name("common_passwords.txt")
_LEET = str.maketrans("01345@$!78", "oieasasitb")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1qaz2wsx3edc4rfv5tgb6yhn")


def hash_password(password: str) -> str:
    """The encoded Argon2id hash."""
    return _hasher.hash(_normal(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is right. Without a hash (unknown account) the same work is done on a dummy, so that time tells nothing."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        matches = _hasher.verify(password_hash or _dummy(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_password(password: str, about: Iterable[str] = (), param: str = "password") -> None:
    """Raise ``ValidationFailed`` for a password that a guesser tries early. ``about``: the person's name, address and organisation.

    NIST SP 800-63B: length and a list of known passwords, no rules about kinds of characters.
    """
    if problem := _weakness(password, about):
        raise ValidationFailed(problem, param=param)


def _weakness(password: str, about: Iterable[str]) -> str | None:
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters; a few words in a row are easy to remember."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    plain = _normal(password).casefold()
    if len(set(plain)) < 5:
        return "Use more different characters."
    if _is_common(plain):
        return "This password is on the lists that attackers try first; choose another one."
    if _is_row(plain):
        return "This is a row of keys or letters; choose something less regular."
    rest = plain
    for word in {word for text in about for word in re.findall(r"\w{4,}", text.casefold())}:
        rest = rest.replace(word, "")
    if rest != plain and len(rest) < 8:
        return "Do not build the password from your name, address or organisation."
    return None


def _is_common(plain: str) -> bool:
    """Known, also when letters are written as digits, when digits or signs hang at the ends, or when it is one word twice."""
    known = _common()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    half = plain[: len(plain) // 2]
    candidates = {plain, core, plain.translate(_LEET), core.translate(_LEET), re.sub(r"[\W\d_]+$", "", plain.translate(_LEET))}
    if plain == half * 2:
        candidates |= {half, re.sub(r"^[\W\d_]+|[\W\d_]+$", "", half)}
    return bool(candidates & known)


def _is_row(plain: str) -> bool:
    """Made of runs along the keyboard or alphabet, forwards or backwards, for all but three characters."""
    covered = 0
    index = 0
    while index < len(plain):
        length = max((_run(plain[index:], row) for one in _ROWS for row in (one, one[::-1])), default=0)
        covered += length if length >= 4 else 0
        index += max(length, 1) if length >= 4 else 1
    return covered >= len(plain) - 3


def _run(text: str, row: str) -> int:
    start = row.find(text[0])
    if start < 0:
        return 0
    length = 0
    while length < len(text) and start + length < len(row) and text[length] == row[start + length]:
        length += 1
    return length


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


@functools.cache
def _dummy() -> str:
    return _hasher.hash(secrets.token_hex(16))


def _normal(password: str) -> str:
    """NFKC: the same password typed on another keyboard gives the same bytes."""
    return unicodedata.normalize("NFKC", password)
