"""This file knows the state file: the place in every stream, the open jobs and all counters, written together.

A write is atomic (new file, fsync, rename), so after a crash the counters and the places still belong together and
what Redis still holds is counted once. A lock keeps a second exporter from the same file.
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

FORMAT = 1
MIN_INTERVAL_SECONDS = 2.0
# Writing may take this share of the time; with very many open jobs it is then done less often.
_TIME_SHARE = 0.02
# Time in which no page asked is saved up, at most so much: pages may be asked for in quick succession.
_SAVED_UP_SECONDS = 60.0


class StateError(Exception):
    """The state file can't be used; one line says why."""


class DamagedStateError(StateError):
    """What the file holds is no state of this version."""


class StateFile:
    """One state file, locked for as long as this object lives."""

    def __init__(self, path: Path, address: str) -> None:
        """Raises StateError when the folder can't be written or another exporter holds the file."""
        self.path = path
        self._address = address
        self._interval = MIN_INTERVAL_SECONDS
        self._next = self._next_shown = 0.0
        self.last_error: str | None = None
        self._lock = self._take_lock()

    def _take_lock(self) -> int:
        lock_path = self.path.with_name(self.path.name + ".lock")
        try:
            lock = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"state file {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise StateError(
                f"state file {self.path}: in use by another exporter; give each its own"
            ) from error
        return lock

    def read(self) -> dict[str, Any] | None:
        """The saved state; None when there is none. Raises StateError, DamagedStateError when it is no state at all."""
        try:
            state = json.loads(self.path.read_text())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"state file {self.path}: {error.strerror}") from error
        except ValueError as error:
            raise DamagedStateError(f"state file {self.path}: {error}") from error
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise DamagedStateError(f"state file {self.path}: not a state of this version")
        if state.get("redis") != self._address:
            raise StateError(
                f"state file {self.path}: belongs to {state.get('redis')}, not to {self._address}; "
                "name another file, or remove this one to begin anew"
            )
        return state

    def due(self, *, shown: bool = False) -> bool:
        """Whether to write now; `shown` says that a page is about to show what was counted."""
        return time.monotonic() >= (self._next_shown if shown else self._next)

    def write(self, state: dict[str, Any], *, shown: bool = False) -> None:
        """Replace the file as a whole; on failure the old one stays and `last_error` says why."""
        began = time.monotonic()
        try:
            self._replace(
                json.dumps({"format": FORMAT, "redis": self._address, **state}, separators=(",", ":"))
            )
            self.last_error = None
        except OSError as error:
            self.last_error = f"state file {self.path}: {error.strerror}; counters will not survive a restart"
        ended = time.monotonic()
        pause = (ended - began) / _TIME_SHARE
        self._next = ended + max(self._interval, pause)
        if shown:
            self._next_shown = max(self._next_shown, ended - _SAVED_UP_SECONDS) + pause

    def set_aside(self) -> Path:
        """Move an unusable file out of the way and return its new name."""
        aside = self.path.with_name(f"{self.path.name}.unusable")
        self.path.replace(aside)
        return aside

    def close(self) -> None:
        os.close(self._lock)

    def _replace(self, text: str) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            with fresh.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
