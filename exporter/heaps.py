"""This file knows how to keep glibc from giving each thread a heap of its own, which it would never give back."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # malloc.h


def share_heaps(most: int) -> None:
    """At most so many heaps for all threads, and what is free in them given back; nothing with another C library."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, most)
        libc.malloc_trim(0)
