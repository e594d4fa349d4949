"""This file knows which passwords the page takes: bcrypt hashes, checked without telling by the time it takes."""

import base64
import hmac
import re
import secrets
import threading
from collections.abc import Mapping

import bcrypt
from pydantic import SecretStr

_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")


def bcrypt_hash(secret: SecretStr) -> SecretStr:
    """The same secret; raises ValueError when it is no hash."""
    if not _BCRYPT.fullmatch(secret.get_secret_value()):
        raise ValueError("not a bcrypt hash ($2y$…, 60 characters); make one with: htpasswd -nBC 10 ''")
    return secret


class PasswordCheck:
    """Checks basic authentication against bcrypt hashes, and remembers what was right, but no password."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, bytes] = {}
        # One at a time, as bcrypt is slow on purpose: guessing must not take every core.
        self._lock = threading.Lock()

    def allow(self, users: Mapping[bytes, bytes], authorization: str) -> bool:
        """Whether the header names one of `users` (name → hash, not empty) with the right password."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and bool(colon) and self._fits(users, name, password)

    def _fits(self, users: Mapping[bytes, bytes], name: bytes, password: bytes) -> bool:
        # An unknown name costs as much time as a wrong password, so that names cannot be found out by timing.
        known, hashed = name in users, users.get(name) or next(iter(users.values()))
        # bcrypt looks at 72 bytes; where other tools cut off silently, this library would raise.
        password = password[:72]
        digest = hmac.digest(self._key, hashed + password, "sha256")
        if known and hmac.compare_digest(self._right.get(hashed, b""), digest):
            return True
        with self._lock:
            fits = bcrypt.checkpw(password, hashed) and known
        if fits:
            self._right[hashed] = digest
        return fits
