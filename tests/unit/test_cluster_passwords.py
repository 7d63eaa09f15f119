"""Whether a password is a user's."""

from __future__ import annotations

import threading

import bcrypt
import pytest

from cluster import passwords
from cluster.passwords import BusyError, Passwords


def hashed(password: str) -> str:
    """Return a hash that is quick to check."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = {"ana": hashed("mössy stone"), "luz": hashed("quiet river").replace("$2b$", "$2y$")}


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("ana", "mössy stone", True),
        ("luz", "quiet river", True),
        ("ana", "quiet river", False),
        ("ana", "", False),
        ("ana", "mössy stone ", False),
        ("ana", "mössy stone\0", False),
        ("eva", "mössy stone", False),
        ("", "", False),
        ("ana", "m" * 73, False),
        ("ana", "ö" * 36 + "x", False),
    ],
)
def test_only_the_users_own_password_is_right(name: str, password: str, right: bool) -> None:
    """Also of users that htpasswd wrote; longer than bcrypt takes is wrong, not cut."""
    assert Passwords().are_right(USERS, name, password) is right
    assert Passwords().are_right({}, name, password) is False


def test_what_was_right_is_known_until_its_hash_is_changed() -> None:
    """A pair is looked up without paying for it anew; a wrong one never is."""
    checked = Passwords()
    assert not checked.are_known(USERS, "ana", "mössy stone")
    assert checked.are_right(USERS, "ana", "mössy stone")
    assert not checked.are_right(USERS, "ana", "wrong")

    assert checked.are_known(USERS, "ana", "mössy stone")
    assert not checked.are_known(USERS, "ana", "wrong")
    assert not checked.are_known(USERS | {"ana": hashed("new")}, "ana", "mössy stone")
    assert not checked.are_known({"luz": USERS["luz"]}, "ana", "mössy stone")


def test_what_is_remembered_is_bounded_and_is_no_password() -> None:
    """Only keyed hashes are kept, and not more than so many."""
    checked = Passwords()
    for number in range(passwords.MAX_REMEMBERED + 5):
        name = f"user-{number}"
        assert checked.are_right({name: USERS["ana"]}, name, "mössy stone")

    assert len(checked._right) == passwords.MAX_REMEMBERED
    assert b"stone" not in b"".join(checked._right)


def test_only_few_are_checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long for its turn is told so, and what is known needs no turn."""
    checked = Passwords()
    assert checked.are_right(USERS, "ana", "mössy stone")
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    entered, go = threading.Semaphore(0), threading.Event()

    def slow(*_: bytes) -> bool:
        entered.release()
        go.wait(10)
        return False

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    guessing = [
        threading.Thread(target=checked.are_right, args=(USERS, "luz", "guess"))
        for _ in range(passwords.AT_ONCE)
    ]
    for thread in guessing:
        thread.start()
        entered.acquire(timeout=10)
    try:
        with pytest.raises(BusyError):
            checked.are_right(USERS, "luz", "quiet river")
        assert checked.are_right(USERS, "ana", "mössy stone")
    finally:
        go.set()
        for thread in guessing:
            thread.join()


def test_an_unknown_user_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash is checked for it too, so that time does not tell who there is."""
    checked: list[bytes] = []

    def check(_: bytes, kept: bytes) -> bool:
        checked.append(kept)
        return True

    monkeypatch.setattr(bcrypt, "checkpw", check)

    assert not Passwords().are_right(USERS, "eva", "x")
    assert checked == [USERS["ana"].encode()]


def test_what_the_library_does_not_take_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions raise for a NUL within."""

    def refuse(*_: bytes) -> bool:
        raise ValueError("password may not contain NUL bytes")

    monkeypatch.setattr(bcrypt, "checkpw", refuse)
    assert not Passwords().are_right(USERS, "ana", "moss\0")
