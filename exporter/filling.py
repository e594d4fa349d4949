"""This file knows how what was read and counted of the queues becomes the wanted groups on a page."""

import time

from exporter import clients, sections
from exporter import groups as g
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Topology
from exporter.discovery import SOURCE_COMMANDS
from exporter.families import Labels, Page
from exporter.following.added import HeldCounters
from exporter.following.follower import Follower
from exporter.following.roster import Followed, Roster
from exporter.keys import QueueName
from exporter.reader import Readings
from exporter.settings import TargetSettings
from exporter.snapshot import QueueSnapshot

Shown = list[tuple[QueueSnapshot, Labels]]
"""The queues on the page with their rendered labels."""


class Filling:
    """Fills the pages of one target."""

    def __init__(
        self,
        settings: TargetSettings,
        topology: Topology,
        roster: Roster,
        clock: ServerClock,
        follower: Follower,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._roster = roster
        self._clock = clock
        self._follower = follower
        self._is_followed = settings.follows_events
        self._held = HeldCounters()
        self._pools = [
            clients.Pool(name, pool.maximum, pool.client_names, pool.addresses, pool.users)
            for name, pool in settings.pools.items()
        ]

    def forget(self, queue: QueueName) -> None:
        self._held.forget(queue)

    def fill(self, page: Page, readings: Readings, wanted: g.Choice, *, with_events: bool) -> None:
        """Add what is wanted of the queues that are there; `with_events` says whether their totals are of now."""
        shown = [(one, sections.queue_labels(one.name)) for one in readings.queues if one.exists]
        self._add_read(page, shown, wanted)
        if with_events:
            self._add_events(page, shown, wanted)
        if g.CONNECTIONS in wanted and readings.clients:
            self._add_clients(page, readings.clients, shown)

    def _add_read(self, page: Page, shown: Shown, wanted: g.Choice) -> None:
        for snapshot, rendered in shown:
            if g.SIZES in wanted:
                sections.add_sizes(page, snapshot, rendered, self._source(snapshot.name))
            if g.AGES in wanted:
                sections.add_ages(page, snapshot, rendered)
            if g.LIMITS in wanted:
                sections.add_limits(page, snapshot, rendered)
            if g.TOTALS in wanted:
                sections.add_added(page, self._held.hold(snapshot.name, snapshot.added), rendered)

    def _source(self, queue: QueueName) -> str:
        """Where events of a queue are had from."""
        followed = self._roster.followed.get(queue)
        return followed.source if followed is not None and self._is_followed else "none"

    def _add_events(self, page: Page, shown: Shown, wanted: g.Choice) -> None:
        now = time.monotonic()
        sampled = g.PAYLOADS in wanted and self._settings.payload_samples_per_second > 0
        sampled = sampled and "hstrlen" not in self._follower.refused
        silent = {source for source, command in SOURCE_COMMANDS.items() if command in self._follower.refused}
        with self._follower.lock:
            self._follower.take()
            since_poll = max(0.0, now - self._follower.last_poll)
            for snapshot, rendered in shown:
                followed = self._roster.followed.get(snapshot.name)
                if followed is None or not followed.is_whole or followed.source in silent:
                    continue
                if g.TOTALS in wanted:
                    sections.add_totals(page, followed, rendered, self._lag(followed, since_poll))
                if g.DURATIONS in wanted:
                    sections.add_durations(page, followed.tally, rendered)
                if g.WAITS in wanted:
                    sections.add_waits(page, followed.tally, rendered)
                if sampled:
                    sections.add_payloads(page, followed.tally, rendered)

    def _lag(self, followed: Followed, since_poll: float) -> float:
        stream = followed.stream
        if stream is None or stream.at_end:
            return since_poll
        return max(since_poll, self._clock.seconds() - stream.last_event_ms / 1000)

    def _add_clients(self, page: Page, replies: list[bytes], shown: Shown) -> None:
        rendered = {snapshot.name: line for snapshot, line in shown}
        libraries = {snapshot.name: snapshot.library for snapshot, _ in shown}
        names = clients.ClientNames(rendered)
        counted = clients.merge(
            [
                clients.count(clients.parse(reply), names, libraries, self._topology.database, self._pools)
                for reply in replies
            ]
        )
        sections.add_workers(page, counted, rendered)
        sections.add_connections(page, counted)
