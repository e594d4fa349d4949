"""What a page showed is in the state file, so that no kill makes a counter step back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import ExporterProcess
from tests.exporter.bad_days.bull import Speaker, connection
from tests.exporter.bad_days.looking import eventually, finished, gaps, lost
from tests.exporter.bad_days.queues import HandQueue
from tests.servers import Server

Exporter = Callable[..., ExporterProcess]


def test_a_kill_takes_nothing_back_that_a_page_showed(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    """Bull's messages are kept nowhere and streams are trimmed: what was counted is in the file or lost. A counter
    that comes back a little lower is a reset for Prometheus, which then adds all of it."""
    client = redis_server.client()
    stream, bull = HandQueue(client).create(), Speaker(client, "letters")
    state = ("--state-file", str(tmp_path / "state.json"))
    process = exporter(redis_server.url, *state)
    eventually(process, lambda page: finished(page) == finished(page, "letters") == 0)
    client.client_kill_filter(_id=connection(client, "subscribe"))
    eventually(process, lambda page: gaps(page, "letters") == 1)
    stream.finish(10)
    bull.say(10)
    eventually(process, lambda page: finished(page) == finished(page, "letters") == 10)
    process.program.kill()
    client.xtrim(stream.key("events"), maxlen=0)
    process = exporter(redis_server.url, *state)
    page = eventually(process, lambda page: finished(page) is not None and finished(page, "letters"))
    assert (finished(page), finished(page, "letters")) == (10, 10)
    assert page.histogram("queue_job_duration_seconds", queue="email").count == 10
    assert page.histogram("queue_job_duration_seconds", queue="letters").count == 10
    # The gap that a page told and the one of the kill are two.
    assert (lost(page), gaps(page, "letters")) == (0, 2)
