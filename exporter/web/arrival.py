"""This file knows when the bytes that a socket holds arrived, by the kernel's word: earlier than they are read.

Linux stamps what it receives, so a reader that waited for the processor learns when it would have read. TLS sockets,
Unix sockets and other systems give no such stamp.
"""

import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable

# asm-generic/socket.h; Python's socket module has no name for it.
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@ll")
_ANCILLARY_BYTES = 64
# A clock of this machine that was set in between makes a stamp useless.
_LATE_MAX_SECONDS = 10.0
# Both clocks of this machine are looked at within so short a time, if need be in several tries.
_LOOK_SECONDS = 0.0001
_LOOKS_MAX = 5


def enable(sock: socket.socket) -> bool:
    """Ask for stamps; whether `receive` will find them."""
    if sys.platform != "linux" or isinstance(sock, ssl.SSLSocket):
        return False
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return True


def receive(sock: socket.socket, size: int) -> tuple[bytes, float | None]:
    """Up to `size` bytes, and when the last of them arrived, on the `time.monotonic` clock, where it was stamped."""
    data, ancillary, _, _ = sock.recvmsg(size, _ANCILLARY_BYTES)
    for level, kind, stamp in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _STAMP.unpack_from(stamp)
            return data, on_monotonic_clock(seconds + nanoseconds / 1e9)
    return data, None


def on_monotonic_clock(
    stamp: float,
    wall: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> float | None:
    """A time of the wall clock a moment ago on the other clock; None where the wall clock must have been set since.

    A thread that loses the processor between its looks at the two clocks would be off by as long as that took.
    """
    shortest, ahead, now = float("inf"), 0.0, 0.0
    for _ in range(_LOOKS_MAX):
        before, shown, after = monotonic(), wall(), monotonic()
        if after - before < shortest:
            shortest, ahead, now = after - before, shown - before, shown
        if shortest <= _LOOK_SECONDS:
            break
    return stamp - ahead if 0 <= now - stamp <= _LATE_MAX_SECONDS else None
