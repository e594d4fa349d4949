"""Bull's messages are kept nowhere, so what is missed while connections break is as little as can be, and told."""

from __future__ import annotations

import json

import pytest
import redis

from tests.conftest import Exporter
from tests.exporter.bad_days.looking import eventually, finished
from tests.servers import Server

QUEUE = "email"
DURATION = "queue_job_duration_seconds"


class Speaker:
    """A Bull queue that tells of jobs, each with a start and an end."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._said = 0
        client.set(f"bull:{QUEUE}:id", 1)

    def say(self, jobs: int) -> None:
        for _ in range(jobs):
            self._said += 1
            self._client.publish(f"bull:{QUEUE}:active@t", str(self._said))
            self._client.publish(f"bull:{QUEUE}:completed", json.dumps({"jobId": str(self._said)}))


def connection(client: redis.Redis, purpose: str) -> str | None:
    """The id of the exporter's connection for a purpose."""
    return next((c["id"] for c in client.client_list() if c["name"] == f"bullgauge:{purpose}"), None)


@pytest.mark.parametrize(("purpose", "gaps"), [("subscribe", 1), ("follow", 0), ("read", 0)])
def test_a_connection_that_breaks_costs_no_more_than_it_must(
    purpose: str, gaps: int, exporter: Exporter, redis_server: Server
) -> None:
    client = redis_server.client()
    bull = Speaker(client)
    process = exporter(redis_server.url)
    eventually(process, lambda page: finished(page, QUEUE) == 0)
    bull.say(50)
    broken = connection(client, purpose)
    client.client_kill_filter(_id=broken)
    if gaps:
        # Only the subscription itself is needed to hear: as soon as it stands anew nothing is missed.
        eventually(process, lambda _: connection(client, "subscribe") not in (None, broken))
        eventually(process, lambda page: page.value("queue_events_gaps_total", queue=QUEUE) == gaps)
    bull.say(50)
    # An end is counted at once, its duration when the job's name was asked for, over a connection that may be gone.
    page = eventually(process, lambda page: page.histogram(DURATION, queue=QUEUE).count == 100)
    assert finished(page, QUEUE) == 100
    assert page.value("queue_events_gaps_total", queue=QUEUE) == gaps
    assert page.value("queue_events_lost_total", queue=QUEUE, reason="unknown_start") == 0
