"""Knows how old the oldest waiting job is said to be, held against the job of the real client."""

from __future__ import annotations

import asyncio

import pytest
from bullmq import Queue

from exporter.reading import ready_seconds
from tests.exporter.test_acl import sample
from tests.servers import Server

BACKOFF = {"attempts": 3, "backoff": {"type": "fixed", "delay": 60_000}}


def test_the_delay_of_a_back_off_is_no_delay_of_the_job(redis_server: Server) -> None:
    async def add() -> float:
        queue = Queue("patient", {"connection": redis_server.url})
        job = await queue.add("send", {}, BACKOFF)
        await queue.close()
        return job.timestamp / 1000

    added_at = asyncio.run(add())
    assert sample(redis_server.url)["queues"][0]["oldest_waiting"] == pytest.approx(added_at)


@pytest.mark.parametrize(
    ("delay", "options", "ready_at"),
    [
        (b"0", b'{"backoff":{"type":"fixed","delay":60000},"attempts":3}', 1_700_000_000.0),
        (b"0", b'{"backoff":{"delay":60000},"delay":2000}', 1_700_000_002.0),
        (b"500", b'{"attempts":1}', 1_700_000_000.5),
        (b"0", b'{"delay":{"of":1}}', 1_700_000_000.0),
        (b"0", b'{"delay":NaN}', None),
        (b"0", b'{"delay":' + b"9" * 400 + b"}", 1_700_000_000.0),
        (b"0", b'"delay" is no object', 1_700_000_000.0),
        (None, None, 1_700_000_000.0),
    ],
)
def test_only_the_delay_of_the_job_itself_puts_it_off(
    delay: bytes | None, options: bytes | None, ready_at: float | None
) -> None:
    assert ready_seconds([b"1700000000000", delay, options]) == ready_at
