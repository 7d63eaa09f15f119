"""Edge: whether a password is a user's, by its bcrypt hash.

bcrypt is slow by design, so that whoever guesses buys each guess dearly. We must not pay for
strangers: only few are checked at once, and a pair that was right is remembered (as a keyed hash
in memory) for as long as its bcrypt hash stands in the file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt

AT_ONCE = 2
WAIT_SECONDS = 1.0
"""How long one waits for its turn."""

MAX_REMEMBERED = 128
MAX_BYTES = 72
"""documented: bcrypt takes no more of a password."""


class BusyError(Exception):
    """Too many passwords are being checked."""


class Passwords:
    """Checks passwords of users."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def are_known(self, users: Mapping[str, str], name: str, password: str) -> bool:
        """Tell whether the pair was found right before, and still stands so; costs nothing."""
        with self._lock:
            return self._mark(users.get(name, ""), name, password) in self._right

    def are_right(self, users: Mapping[str, str], name: str, password: str) -> bool:
        """Tell whether the password is the user's. Raises `BusyError` instead of waiting long.

        An unknown name is checked against another's hash, so that it takes as long as a known one.
        """
        if self.are_known(users, name, password):
            return True
        given = password.encode()
        if not users or len(given) > MAX_BYTES:
            return False
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise BusyError
        try:
            kept = users.get(name) or next(iter(users.values()))
            right = bcrypt.checkpw(given, kept.encode()) and name in users
        except ValueError:
            return False  # a password that bcrypt does not take
        finally:
            self._turns.release()
        if right:
            self._remember(self._mark(kept, name, password))
        return right

    def _remember(self, mark: bytes) -> None:
        with self._lock:
            self._right[mark] = None
            while len(self._right) > MAX_REMEMBERED:
                self._right.popitem(last=False)

    def _mark(self, kept: str, name: str, password: str) -> bytes:
        text = f"{kept}\0{name}\0{password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
