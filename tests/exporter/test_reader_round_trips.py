"""A scrape takes three round trips at most, however many queues there are: counted on the wire, between both."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.bench import queues
from tests.conftest import ExporterProcess
from tests.exporter.bad_days.looking import eventually, look
from tests.servers import Server

SILENCE_SECONDS = 0.25
TRIPS_MAX = 3
READS = b"bullgauge:read"


class Turnstile:
    """Passes a client's bytes on at once, and the answers only when the client has fallen silent: it waits for them.

    Each time a silent client was given answers is a round trip; a client that still sends is given none.
    """

    def __init__(self, server: Server) -> None:
        self.trips = 0
        self._port = server.port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                upstream = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._pass, args=(client, upstream), daemon=True).start()

    def _pass(self, client: socket.socket, upstream: socket.socket) -> None:
        answers = _Answers(upstream)
        is_counted = False
        with suppress(OSError):
            client.settimeout(0.001)
            while not answers.ended:
                try:
                    data = client.recv(1 << 20)
                    if not data:
                        break
                    is_counted |= READS in data
                    upstream.sendall(data)
                    client.settimeout(SILENCE_SECONDS if is_counted else 0.001)
                except TimeoutError:
                    if held := answers.take():
                        self.trips += is_counted
                        client.sendall(held)
        with suppress(OSError):
            upstream.shutdown(socket.SHUT_RDWR)  # wakes who reads from it, else a close leaves it open
        upstream.close()
        client.close()


class _Answers:
    """What the server said and nobody was given yet."""

    def __init__(self, upstream: socket.socket) -> None:
        self.ended = False
        self._upstream = upstream
        self._held = bytearray()
        self._lock = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def take(self) -> bytes:
        with self._lock:
            held = bytes(self._held)
            self._held.clear()
        return held

    def _receive(self) -> None:
        with suppress(OSError):
            while data := self._upstream.recv(1 << 20):
                with self._lock:
                    self._held += data
        self.ended = True


@pytest.mark.parametrize("number", [3, 300])
def test_a_scrape_takes_three_round_trips_at_most(
    number: int, redis_server: Server, exporter: Callable[..., ExporterProcess]
) -> None:
    client = redis_server.client()
    queues.fill(client, number)
    for queue in range(number):
        # Asks for the second and third look: an active job without a lock, and priorities far apart.
        client.delete(f"bull:queue-{queue:04d}:2:lock")
    turnstile = Turnstile(redis_server)
    try:
        process = exporter(turnstile.url)
        eventually(process, lambda page: len(page.values("queue_active_unlocked")) == number)
        before = turnstile.trips
        page = look(process)
        trips = turnstile.trips - before
    finally:
        turnstile.close()
    assert page.values("queue_active_unlocked") == [1] * number
    assert len(page.values("queue_oldest_waiting_timestamp_seconds")) == number
    assert page.value("queue_redis_connections", role="exporter") is not None, "CLIENT LIST was read"
    assert page.value("queue_redis_memory_bytes") is not None, "INFO was read"
    assert page.value("queue_exporter_scrape_success", collector="events") == 1
    assert 1 <= trips <= TRIPS_MAX
