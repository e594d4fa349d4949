"""Knows what `python -m exporter demo` promises a newcomer: true figures, a clean end, no traces."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.processes import Program
from tests.servers import Server, free_port

AGREE = "Page and handlers agree."
LOOK = "look at"
RUNNING = "stop"


class Demo:
    """One demo, run as users run it, with a folder of its own for temporary files."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "exporter", "demo", *arguments]
        self.program = Program(command, env={**os.environ, "TMPDIR": str(self.temporary)})

    @property
    def lines(self) -> list[str]:
        return self.program.lines

    def running(self) -> None:
        """Wait until it has said where to look."""
        self.program.wait_for(lambda line: line.split()[:1] == [RUNNING], seconds=30)

    def address(self, of: str) -> tuple[str, int]:
        """Host and port that the demo printed beside `look at` or `Redis`."""
        line = next(line for line in self.lines if line.strip().startswith(of))
        url = urlsplit(re.search(r"\w+://\S+", line)[0])
        return url.hostname, url.port

    def left_behind(self) -> list[str]:
        """What still answers or lies about after the end."""
        answering = [name for name in (LOOK, "Redis") if answers(self.address(name))]
        return answering + [path.name for path in self.temporary.iterdir()]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[type[Demo]]:
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.program.stop()


def answers(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def rows(lines: list[str], side: str) -> dict[str, list[int]]:
    """Queue → done, failed, requeued, as the summary's rows of `side` (page or handlers) tell them."""
    found, queue = {}, ""
    for line in lines:
        match = re.match(r"(\S*)\s+(page|handlers)\s+(\d+)\s+(\d+)\s+(\d+)\s", line)
        if match:
            queue = match[1] or queue
            if match[2] == side:
                found[queue] = [int(match[group]) for group in (3, 4, 5)]
    return found


def test_eight_seconds_of_real_jobs_end_with_a_page_that_agrees_with_the_handlers(demo):
    one = demo("--for", "8", "--listen", "127.0.0.1:0")
    assert one.program.finish(60) == 0, one.program.tail()
    assert any(AGREE in line for line in one.lines)
    page, handlers = rows(one.lines, "page"), rows(one.lines, "handlers")
    assert len(page) >= 7  # the rarest queue may have had no job yet
    assert page == handlers
    done, _, requeued = (sum(column) for column in zip(*page.values(), strict=True))
    assert done > 50
    assert requeued > 0
    assert one.left_behind() == []


def test_a_second_demo_on_the_same_port_works_like_the_first(demo):
    listen = f"127.0.0.1:{free_port()}"
    for _ in range(2):
        one = demo("--for", "2", "--listen", listen)
        assert one.program.finish(60) == 0, one.program.tail()
        assert one.address(LOOK) == ("127.0.0.1", int(listen.split(":")[1]))


def test_a_taken_port_is_told_and_the_next_free_one_is_used(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = demo("--for", "1", "--listen", f"127.0.0.1:{port}")
        assert one.program.finish(60) == 0, one.program.tail()
    assert one.address(LOOK)[1] > port
    assert any(f"port {port} is taken" in line for line in one.lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_a_summary_and_nothing_left_behind(demo, number):
    one = demo("--listen", "127.0.0.1:0")
    one.running()
    assert one.program.stop(number, seconds=30) == 0, one.program.tail()
    one.program.finish()
    assert any(AGREE in line for line in one.lines)
    assert one.left_behind() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_its_children_end_even_when_it_is_killed(demo):
    one = demo("--listen", "127.0.0.1:0")
    one.running()
    one.program.kill()
    deadline = time.monotonic() + 10
    while any(answers(one.address(name)) for name in (LOOK, "Redis")):
        assert time.monotonic() < deadline, "a child outlived the demo"
        time.sleep(0.05)  # processes that are no children of ours give no event


def test_on_a_redis_of_ones_own_it_starts_no_work_and_writes_nothing(demo, redis_server: Server):
    client = redis_server.client()
    client.hset("bull:mine:meta", "opts.maxLenEvents", 10000)
    client.set("bull:mine:id", 3)
    client.lpush("bull:mine:wait", "1", "2", "3")
    client.config_set("requirepass", "very-secret")
    before = client.info("persistence")["rdb_changes_since_last_save"]
    url = redis_server.url.replace("redis://", "redis://:very-secret@")
    try:
        one = demo("--for", "3", "--redis", url, "--listen", "127.0.0.1:0")
        assert one.program.finish(60) == 0, one.program.tail()
        assert client.info("persistence")["rdb_changes_since_last_save"] == before
    finally:
        client.config_set("requirepass", "")
    text = "\n".join(one.lines)
    assert re.search(r"^mine +0 +0 +0 ", text, re.MULTILINE), text
    assert "handlers" not in text
    assert "very-secret" not in text


def test_a_server_that_dies_is_told_in_one_line(demo):
    one = demo("--listen", "127.0.0.1:0")
    one.running()
    redis.Redis(*one.address("Redis")).shutdown(nosave=True)
    assert one.program.finish(30) == 1
    assert "the embedded Valkey has stopped" in one.lines[-1]
    assert not any("Traceback" in line for line in one.lines)


def test_a_terminal_sees_live_figures_and_a_pipe_does_not():
    wanted = re.compile(rb"\d+ jobs done, 95% waited at most [\d.]+ m?s; longest wait: \S+, ")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "exporter", "demo", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while not wanted.search(shown):
            more = read_or_end(ours)
            assert more, shown
            shown += more
        process.send_signal(signal.SIGINT)
        while read_or_end(ours):
            pass
        out = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0
    assert "jobs done" not in out


def read_or_end(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # how Linux says that nobody holds the other end any more
        return b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "nowhere"], "nowhere"),
        (["--redis", "http://localhost"], "redis://"),
        (["--for", "-1"], "--for"),
    ],
)
def test_bad_input_is_refused_in_one_line(demo, arguments, said):
    one = demo("--for", "5", *arguments)
    assert one.program.finish(30) == 2
    assert said in one.lines[-1]
    assert not any("Traceback" in line for line in one.lines)
