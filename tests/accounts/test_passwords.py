"""Password rules and hashes."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from webapp.accounts.passwords import check_password, hash_password, needs_rehash, verify_password
from webapp.kernel.errors import ValidationFailed


@pytest.mark.parametrize(
    "password",
    [
        "violet tractor among lighthouses", "kR7!vbn2-Qpw", "drei graue Esel im Regen", "x9$mTz!4qLw8", "пять серых ослов", "correct but not horse",
    ],
)  # fmt: skip
def test_good_passwords_pass(password: str) -> None:
    check_password(password, ("Olivia Owner", "olivia@acme.test", "Acme"))


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "elevenchars", "password1234", "Password1234!", "P@ssw0rd1234", "passwordpassword", "qwertyuiop123", "123456789012", "aaaaaaaaaaaa",
        "abcdefghijklmn", "abababababab", "letmeinletmein", "CorrectHorseBatteryStaple", "zyxwvutsrqponm", "1qaz2wsx3edc", "welcome!!!!!!", "x" * 300,
    ],
)  # fmt: skip
def test_guessable_passwords_are_refused_with_advice(password: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_password(password)
    assert refused.value.param == "password" and len(refused.value.message) > 10


@pytest.mark.parametrize("password", ["oliviaowner12", "olivia@acme.test", "acmeacme-corp"])
def test_a_password_is_not_made_of_ones_own_name(password: str) -> None:
    with pytest.raises(ValidationFailed):
        check_password(password, ("Olivia Owner", "olivia@acme.test", "acmeacme"))


def test_hashes_verify_and_say_when_they_are_old() -> None:
    hashed = hash_password("violet tractor among lighthouses")
    assert hashed.startswith("$argon2id$")
    assert verify_password(hashed, "violet tractor among lighthouses")
    assert not verify_password(hashed, "violet tractor among lighthouse")
    assert not needs_rehash(hashed)
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))


def test_the_same_text_typed_in_another_form_is_the_same_password() -> None:
    assert verify_password(hash_password("caf\u00e9 am Hafen um acht"), "cafe\u0301 am Hafen um acht")


@pytest.mark.parametrize("broken", ["", "not a hash", "$argon2id$v=19$broken"])
def test_a_damaged_hash_lets_nobody_in(broken: str) -> None:
    assert not verify_password(broken, "violet tractor among lighthouses")
