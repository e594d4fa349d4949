"""On a terminal `sample --watch` keeps one screen up to date, and leaves the terminal as it was."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.terminal import Terminal
from tests.servers import Server

ENTER, LEAVE, HIDE, SHOW = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25l", "\x1b[?25h"


@contextmanager
def watching(server: Server, columns: int = 100, lines: int = 30, **env: str) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "exporter", "sample", "--watch", "--every", "0.1", "--redis", server.url]
    terminal = Terminal(command, columns, lines, **env)
    try:
        yield terminal
    finally:
        terminal.close()


def screens(text: str) -> list[list[str]]:
    """Each redraw as its lines, without colours."""
    plain = re.sub(r"\x1b\[[0-9]*m|\x1b\[K", "", text.split(HIDE, 1)[1].split(SHOW, 1)[0])
    return [
        screen.removesuffix("\x1b[J").rstrip("\r\n").split("\r\n") for screen in plain.split("\x1b[H")[1:]
    ]


def test_the_screen_follows_and_ctrl_c_gives_the_terminal_back(redis_server):
    queue = HandQueue(redis_server.client(), "email").create().add(3)
    with watching(redis_server) as terminal:
        place = terminal.wait_for("no worker")
        queue.add(4000)
        terminal.wait_for("4,003", after=place)
        assert terminal.end(signal.SIGINT) == 0
        assert terminal.text.count(ENTER) == terminal.text.count(LEAVE) == 1
        assert terminal.text.index(SHOW) < terminal.text.index(LEAVE)
        left_behind = terminal.text.split(LEAVE)[1]
    assert "4,003" in left_behind and "Traceback" not in left_behind


def test_no_redraw_is_larger_than_the_terminal_and_the_worst_stay(redis_server):
    client = redis_server.client()
    for number in range(60):
        HandQueue(client, f"quiet-{number}").create()
    HandQueue(client, "zz-stuck").create().add(1)
    with watching(redis_server, columns=70, lines=15) as terminal:
        terminal.wait_for("lines more")
        terminal.wait_for("\x1b[J")
        terminal.end(signal.SIGTERM)
        shown = screens(terminal.text)[0]
    assert len(shown) < 15 and max(len(line) for line in shown) <= 70
    assert any("zz-stuck" in line for line in shown)
    assert any(re.search(r"… \d+ lines more, none of them worse", line) for line in shown)


def test_a_redis_that_goes_away_is_told_and_nothing_old_is_shown(server):
    up = server("redis7")
    HandQueue(up.client(), "email").create().add(3)
    with watching(up) as terminal:
        place = terminal.wait_for("email")
        up.kill()
        place = terminal.wait_for("trying again", after=place)
        terminal.wait_for("\x1b[J", after=place)
        assert not any(
            "email" in line for line in screens(terminal.text[: terminal.text.rindex("\x1b[J")] + SHOW)[-1]
        )
        up.start()
        HandQueue(up.client(), "fresh").create()
        terminal.wait_for("fresh", after=place)
        assert terminal.end(signal.SIGINT) == 0


def test_colours_say_no_more_than_the_marks_and_can_be_switched_off(redis_server):
    HandQueue(redis_server.client(), "email").create().add(3)
    with watching(redis_server) as terminal:
        terminal.wait_for("\x1b[31m!! email")
    with watching(redis_server, NO_COLOR="1") as terminal:
        terminal.wait_for("!! email")
        assert "\x1b[31m" not in terminal.text
