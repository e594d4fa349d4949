"""Knows how to start a program, follow what it writes and stop it, awaiting lines rather than time."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO


class ProgramError(RuntimeError):
    """A program ended, or stayed silent, before it wrote the line that was awaited."""


class Program:
    """One running program whose stdout and stderr are kept as lines, in the order in which they arrive."""

    def __init__(
        self, command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = tuple(command)
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._open_streams = 2
        self.process = subprocess.Popen(
            self.command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            bufsize=1,
        )
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._follow, args=(stream,), daemon=True).start()

    def _follow(self, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open_streams -= 1
            self._news.notify_all()

    def wait_for(self, wanted: str | Callable[[str], bool], seconds: float = 20, after: int = 0) -> str:
        """The first line from position `after` on that holds, or is accepted by, `wanted`.

        Raises ProgramError, with the last lines, when the program ends or `seconds` pass without it.
        """
        accepts = wanted if callable(wanted) else lambda line: wanted in line
        deadline = time.monotonic() + seconds
        position = after
        with self._news:
            while True:
                for line in self.lines[position:]:
                    if accepts(line):
                        return line
                position = max(position, len(self.lines))
                left = deadline - time.monotonic()
                if left <= 0 or self._open_streams == 0:
                    raise ProgramError(f"{self.command[0]} never wrote {wanted!r}:\n{self.tail()}")
                self._news.wait(left)

    def follow(self, seconds: float = 60) -> Iterator[str]:
        """Every line from the first on as it comes, until the program ends.

        Raises ProgramError when `seconds` pass without a new line.
        """
        position = 0
        while True:
            fresh = self._fresh(position, seconds)
            if not fresh:
                return
            position += len(fresh)
            yield from fresh

    def _fresh(self, position: int, seconds: float) -> list[str]:
        """Lines from `position` on once there are any; none when the program has ended."""
        with self._news:
            if not self._news.wait_for(
                lambda: len(self.lines) > position or self._open_streams == 0, timeout=seconds
            ):
                raise ProgramError(f"{self.command[0]} wrote nothing for {seconds} s:\n{self.tail()}")
            return self.lines[position:]

    def tell(self, line: str) -> None:
        """Write one line to the program's stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close_input(self) -> None:
        """Close the program's stdin, which ends programs that read it to its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def tail(self, count: int = 20) -> str:
        return "\n".join(self.lines[-count:])

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def finish(self, seconds: float = 60) -> int:
        """Wait for the program's own end and for its last line; its exit status."""
        status = self.process.wait(seconds)
        with self._news:
            self._news.wait_for(lambda: self._open_streams == 0, timeout=5)
        return status

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Ask the program to end and return its status; it is killed when it doesn't end within `seconds`."""
        if self.running:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal_number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        return status

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the program, as a machine that swaps or a long fork does."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
