"""Knows how to run a program on a terminal of a given size and await what it writes there."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time

from tests.documents import environment


class Terminal:
    """A program on a terminal of a given size; what it wrote is `text`."""

    def __init__(self, command: list[str], columns: int, lines: int, **env: str) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment(), "TERM": "xterm", **env}
        )
        os.close(theirs)
        self.text = ""

    def wait_for(self, wanted: str, after: int = 0, seconds: float = 20) -> int:
        """The place behind `wanted`, once it was written behind the place `after`."""
        deadline = time.monotonic() + seconds
        while wanted not in self.text[after:]:
            assert self._read(deadline - time.monotonic()), f"never wrote {wanted!r}: {self.text[-2000:]!r}"
        return self.text.index(wanted, after) + len(wanted)

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        while self._read(10):
            pass
        return self.process.wait(10)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
