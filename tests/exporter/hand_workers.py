"""Knows how a worker looks to Redis: a connection that waits for jobs, under the name that its library gives it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import Server


def node_name(queue: str) -> str:
    """The name that Node libraries give a worker's connection."""
    return "bull:" + base64.b64encode(queue.encode()).decode()


@contextmanager
def worker(server: Server, queue: str, client_name: str | None = None) -> Iterator[None]:
    """A connection that waits for jobs of a queue as those of BullMQ 5 do."""
    raw = server.client(client_name=client_name).connection_pool.get_connection()
    raw.send_command("BZPOPMIN", f"bull:{queue}:marker", 0)
    onlooker = server.client()
    deadline = time.monotonic() + 10
    while not any(c["cmd"] == "bzpopmin" and "b" in c["flags"] for c in onlooker.client_list()):
        assert time.monotonic() < deadline
    try:
        yield
    finally:
        raw.disconnect()
