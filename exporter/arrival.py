"""This file knows when the bytes that a socket holds arrived, by the kernel's word: earlier than they are read.

Linux stamps what it receives, so a reader that waited for the processor learns when it would have read. TLS sockets,
Unix sockets and other systems give no such stamp.
"""

import socket
import ssl
import struct
import sys
import time

# asm-generic/socket.h; Python's socket module has no name for it.
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@ll")
_ANCILLARY_BYTES = 64
# A clock of this machine that was set in between makes a stamp useless.
_LATE_MAX_SECONDS = 10.0


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
            return data, _monotonic(*_STAMP.unpack_from(stamp))
    return data, None


def _monotonic(seconds: int, nanoseconds: int) -> float | None:
    late = time.time() - (seconds + nanoseconds / 1e9)
    return time.monotonic() - late if 0 <= late <= _LATE_MAX_SECONDS else None
