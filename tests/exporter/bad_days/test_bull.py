"""Bull's messages are kept nowhere, so what is missed while connections break is as little as can be, and told."""

from __future__ import annotations

import pytest

from tests.conftest import Exporter
from tests.exporter.bad_days.bull import Speaker, connection
from tests.exporter.bad_days.looking import eventually, finished, gaps
from tests.servers import Server

QUEUE = "email"
DURATION = "queue_job_duration_seconds"


@pytest.mark.parametrize(("purpose", "expected"), [("subscribe", 1), ("follow", 0), ("read", 0)])
def test_a_connection_that_breaks_costs_no_more_than_it_must(
    purpose: str, expected: int, exporter: Exporter, redis_server: Server
) -> None:
    client = redis_server.client()
    bull = Speaker(client, QUEUE)
    process = exporter(redis_server.url)
    eventually(process, lambda page: finished(page, QUEUE) == 0)
    bull.say(50)
    broken = connection(client, purpose)
    client.client_kill_filter(_id=broken)
    if expected:
        # Only the subscription itself is needed to hear: as soon as it stands anew nothing is missed.
        eventually(process, lambda _: connection(client, "subscribe") not in (None, broken))
        eventually(process, lambda page: gaps(page, QUEUE) == expected)
    bull.say(50)
    # An end is counted at once, its duration when the job's name was asked for, over a connection that may be gone.
    page = eventually(process, lambda page: page.histogram(DURATION, queue=QUEUE).count == 100)
    assert finished(page, QUEUE) == 100
    assert gaps(page, QUEUE) == expected
    assert page.value("queue_events_lost_total", queue=QUEUE, reason="unknown_start") == 0
