"""This file knows how commands for several servers are gathered, sent in one round trip, and their replies found."""

from typing import Any

from exporter.connection.topology import Links
from exporter.connection.wire import pack

Ticket = tuple[int, int]
"""A wire and the place of the first reply there."""


class Trip:
    """Commands gathered for one round trip, by wire, and their replies."""

    def __init__(self, links: Links) -> None:
        self._wires = links.wires
        self._packed: list[list[bytes]] = [[] for _ in links.wires]
        self._counts = [0] * len(links.wires)
        self._replies: list[list[Any]] = []

    def ask(self, wire: int, *words: bytes | str | int) -> Ticket:
        return self.add(wire, pack(words), 1)

    def add(self, wire: int, packed: bytes, count: int) -> Ticket:
        """Append `count` packed commands; the ticket finds the first reply."""
        self._packed[wire].append(packed)
        return self.reserve(wire, count)

    def reserve(self, wire: int, count: int) -> Ticket:
        """The ticket of `count` commands that go into the sink."""
        ticket = (wire, self._counts[wire])
        self._counts[wire] += count
        return ticket

    def sink(self, wire: int) -> list[bytes]:
        """Where packed commands may be appended without a copy."""
        return self._packed[wire]

    def run(self, deadline: float) -> None:
        """Send everything and take all replies. Raises WireError."""
        for wire, packed, count in zip(self._wires, self._packed, self._counts, strict=True):
            self._replies.append(wire.exchange(b"".join(packed), count, deadline) if count else [])

    def reply(self, ticket: Ticket) -> Any:
        return self._replies[ticket[0]][ticket[1]]

    def replies(self, ticket: Ticket, count: int) -> list[Any]:
        return self._replies[ticket[0]][ticket[1] : ticket[1] + count]
