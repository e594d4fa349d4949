"""Knows how a signal ends a verb: a thread hears of it, as a handler that meets a half begun `wait` locks for ever."""

import os
import signal
import threading


def stopped_by_signals() -> threading.Event:
    """Set once the program is told to end (SIGTERM, SIGINT)."""
    stop = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _tell(told))
    threading.Thread(target=_listen, args=(heard, stop), name="signals", daemon=True).start()
    return stop


def _tell(told: int) -> None:
    try:
        os.write(told, b"!")
    except BlockingIOError:  # told often enough
        pass


def _listen(heard: int, stop: threading.Event) -> None:
    os.read(heard, 1)
    stop.set()
