"""This file knows how one scrape of one target becomes one page, and what the page says when Redis does not answer."""

import time
from collections.abc import Callable, Mapping

from exporter import __version__, clients, sections, server_info
from exporter import catalogue as c
from exporter.added import HeldCounters
from exporter.clock import ServerClock
from exporter.discovery import SOURCE_COMMANDS
from exporter.families import Page, labels
from exporter.follower import Follower
from exporter.gate import Gate
from exporter.keys import QueueName, label
from exporter.lifecycle import JobRecord
from exporter.looking import Looker
from exporter.notices import Notices
from exporter.place import DamagedStateError, StateFile
from exporter.reader import Readings
from exporter.roster import Roster
from exporter.settings import TargetSettings
from exporter.snapshot import ClientsSnapshot, QueueSnapshot, ServerSnapshot
from exporter.topology import Topology
from exporter.wire import WireError

# A scrape waits this long for the follower to read what Redis holds; then older events are shown with their lag.
EVENTS_PATIENCE_SECONDS = 2.0
EVENTS_STALE_SECONDS = 10.0
_ERRORS_TOLD = 5


class Collector:
    """One target: reads it at each scrape and follows its events in between."""

    def __init__(
        self,
        settings: TargetSettings,
        notices: Notices,
        state: StateFile | None = None,
        on_records: Callable[[QueueName, list[JobRecord]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._notices = notices
        self._topology = Topology(settings.redis)
        self._clock = ServerClock()
        self._keep_records = on_records is not None
        self._roster, began_ms, heard_ms = self._restore(state)
        self._follower = Follower(
            settings,
            self._topology,
            self._roster,
            self._clock,
            notices,
            state=state,
            began_ms=began_ms,
            heard_ms=heard_ms,
            on_records=on_records,
        )
        self._looker = Looker(settings, self._topology, self._clock, self._follower, "read")
        self._pools = [
            clients.Pool(name, pool.maximum, pool.client_names, pool.addresses, pool.users)
            for name, pool in settings.pools.items()
        ]
        self._held = HeldCounters()
        self._gate: Gate[Page] = Gate(self._collect)
        self._last_success: float | None = None
        self._server = ServerSnapshot()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def address(self) -> str:
        """The target's address without secrets."""
        return self._topology.address

    def _restore(self, state: StateFile | None) -> tuple[Roster, int, int]:
        """What was counted before, since when, and until when Bull was heard.

        A damaged state is put aside and counting begins anew.
        Raises StateError when the file belongs to another Redis or can't be read.
        """
        roster = Roster(self._settings, keep_records=self._keep_records)
        try:
            saved = state.read() if state is not None else None
            if saved is not None:
                roster.load(saved["queues"])
                return roster, int(saved["counting_began_ms"]), int(saved["heard_ms"])
        except (DamagedStateError, KeyError, TypeError, ValueError) as error:
            assert state is not None
            aside = state.set_aside()
            self._notices.warn(f"state put aside as {aside}, counting begins anew: {error}")
            roster = Roster(self._settings, keep_records=self._keep_records)
        return roster, 0, 0

    def start(self) -> None:
        """Begin to follow events."""
        self._follower.start()

    def stop(self) -> None:
        """End following, save the place, close the connections."""
        self._follower.stop()
        self._looker.close()

    def page(self, *, openmetrics: bool, timeout_seconds: float | None) -> bytes:
        """The metrics as text. Never raises for Redis' sake: then the page says `queue_redis_up 0`."""
        timeout = self._settings.redis.timeout_seconds
        deadline = time.monotonic() + min(timeout, timeout_seconds or timeout)
        page = self._gate.get(deadline)
        if page is None:
            page = self._down()
        return page.render(openmetrics=openmetrics)

    def ready(self) -> str | None:
        """None when queues have been found and events are followed, else why not."""
        if self._follower.error is not None:
            return f"{self.address}: {self._follower.error}"
        if not self._follower.connected:
            return f"{self.address}: connecting"
        return None if self._follower.all_found else f"{self.address}: still looking for queues"

    def wait_ready(self, deadline: float) -> str | None:
        """Wait until `ready`; the reason when it was not by the deadline."""
        self.page(openmetrics=False, timeout_seconds=None)
        while self.ready() is not None and time.monotonic() < deadline:
            self._follower.wait(self._follower.ask(), 0.2)
            if self._follower.error is not None:
                break
        return self.ready()

    def snapshots(self) -> list[QueueSnapshot]:
        """All queues at this moment. Raises WireError."""
        deadline = time.monotonic() + self._settings.redis.timeout_seconds
        readings = self._looker.look(list(self._roster.followed), self._roster.known_times, deadline)
        return [snapshot for snapshot in readings.queues if snapshot.exists]

    @property
    def refused(self) -> dict[str, str]:
        """The commands that this user may not run."""
        return self._follower.refused

    @property
    def eviction_policy(self) -> str | None:
        return self._server.eviction_policy

    @property
    def server_version(self) -> str | None:
        return self._server.version

    def status(self) -> Mapping[str, str]:
        """Facts for the landing page, without secrets."""
        walk = self._follower.scan_seconds
        return {
            "Redis": self.address,
            "Server version": self._server.version or "unknown",
            "Prefixes": ", ".join(self._settings.prefixes),
            "Queues": str(len(self._roster.followed)),
            "Found by": "name" if self._settings.queues else "a walk through the key space",
            "Last walk": "none yet" if walk is None else f"{walk:.1f} s",
            "Events": self._follower.error or "followed",
        }

    def _collect(self, deadline: float) -> Page:
        began = time.monotonic()
        ticket = self._follower.ask()
        queues = list(self._roster.followed)
        try:
            readings = self._looker.look(queues, self._roster.known_times, deadline)
        except WireError as error:
            self._notices.warn(f"scrape: {error}")
            return self._down()
        self._notices.warn_some(readings.errors, _ERRORS_TOLD)
        self._notices.warn_some([f"scrape: {reason}" for reason in readings.unreached.values()], _ERRORS_TOLD)
        page = Page()
        page.add(c.REDIS_UP, "", 1)
        read = time.monotonic()
        patience = min(EVENTS_PATIENCE_SECONDS, max(0.0, deadline - read))
        events_fresh = self._follower.wait(ticket, patience) or self._events_recent()
        self._add_queues(page, readings, events_fresh=events_fresh)
        self._add_redis(page, readings)
        events_seconds = time.monotonic() - read
        self._add_self(page, self._outcomes(readings, events_fresh, read - began, events_seconds))
        if readings.moved:
            self._refresh()
        return page

    def _refresh(self) -> None:
        """The cluster has moved slots: the next scrape asks the right nodes."""
        try:
            self._looker.links.refresh()
        except WireError as error:
            self._notices.warn(f"cluster: {error}")

    def _outcomes(
        self, readings: Readings, events_fresh: bool, read_seconds: float, events_seconds: float
    ) -> dict[str, tuple[bool, float]]:
        """Success and seconds of each collector; one that is not permitted or not asked for has no entry."""
        refused = self._follower.refused
        outcomes = {
            "queues": (not readings.moved and not readings.unreached, read_seconds),
            "events": (events_fresh and not readings.unreached, events_seconds),
            "connections": (bool(readings.clients), read_seconds),
            "redis": (bool(readings.info), read_seconds),
            "caches": (bool(self._follower.caches), 0.0),
        }
        left_out = {"connections": "client|list" in refused, "redis": "info" in refused}
        left_out["events"] = {"xread", "psubscribe"} <= refused.keys()
        left_out["caches"] = not self._settings.caches or "scan" in refused
        return {name: outcome for name, outcome in outcomes.items() if not left_out.get(name)}

    def _add_queues(self, page: Page, readings: Readings, *, events_fresh: bool) -> None:
        shown = [snapshot for snapshot in readings.queues if snapshot.exists]
        gone = [snapshot.name for snapshot in readings.queues if not snapshot.exists]
        self._forget(gone)
        empty = [snapshot.name for snapshot in shown if snapshot.is_empty]
        self._follower.report_empty(empty, readings.began_ms)
        rendered = {snapshot.name: sections.queue_labels(snapshot.name) for snapshot in shown}
        for snapshot in shown:
            followed = self._roster.followed.get(snapshot.name)
            source = followed.source if followed else "none"
            added = self._held.hold(snapshot.name, snapshot.added)
            sections.add_queue(page, snapshot, rendered[snapshot.name], added, source)
        if events_fresh:
            self._add_events(page, shown, rendered)
        self._add_clients(page, readings, shown, rendered)
        page.add(c.QUEUES_DISCOVERED, "", len(shown))

    def _add_events(self, page: Page, shown: list[QueueSnapshot], rendered: dict[QueueName, str]) -> None:
        now = time.monotonic()
        sampled = self._settings.payload_samples_per_second > 0 and "hstrlen" not in self._follower.refused
        silent = {source for source, command in SOURCE_COMMANDS.items() if command in self._follower.refused}
        with self._follower.lock:
            self._follower.take()
            since_poll = max(0.0, now - self._follower.last_poll)
            for snapshot in shown:
                followed = self._roster.followed.get(snapshot.name)
                if followed is None or not followed.is_whole or followed.source in silent:
                    continue
                lag = since_poll
                if followed.stream is not None and not followed.stream.at_end:
                    lag = max(lag, self._clock.seconds() - followed.stream.last_event_ms / 1000)
                sections.add_events(page, followed, rendered[snapshot.name], lag, sampled=sampled)

    def _add_clients(
        self, page: Page, readings: Readings, shown: list[QueueSnapshot], rendered: dict[QueueName, str]
    ) -> None:
        if not readings.clients:
            return
        names = clients.ClientNames(rendered)
        libraries = {snapshot.name: snapshot.library for snapshot in shown}
        parts = [
            clients.count(clients.parse(reply), names, libraries, self._topology.database, self._pools)
            for reply in readings.clients
        ]
        counted: ClientsSnapshot = clients.merge(parts)
        sections.add_workers(page, counted, rendered)
        sections.add_connections(page, counted)

    def _add_redis(self, page: Page, readings: Readings) -> None:
        parts = [
            server_info.snapshot(info, maximum)
            for info, maximum in zip(readings.info, readings.clients_max, strict=False)
        ]
        if parts:
            self._server = server_info.merge(parts)
            sections.add_server(page, self._server)
        page.add_histogram(c.ROUND_TRIP, "", self._follower.round_trips)
        sections.add_caches(page, self._follower.caches.items())

    def _add_self(self, page: Page, collectors: dict[str, tuple[bool, float]]) -> None:
        for name, (success, seconds) in collectors.items():
            page.add(c.SCRAPE_SUCCESS, f'collector="{name}"', int(success))
            page.add(c.SCRAPE_DURATION, f'collector="{name}"', seconds)
        if all(success for success, _ in collectors.values()):
            self._last_success = time.time()
        page.add(c.LAST_SUCCESS, "", self._last_success)
        page.add(c.DISCOVERY_SECONDS, "", self._follower.scan_seconds)
        page.add(c.LABELS_DROPPED, "", self._roster.budget.labels_dropped)
        page.add(c.BUILD_INFO, labels({"version": __version__}), 1)

    def _down(self) -> Page:
        """What can still be said without Redis: that it is down. Nothing older is shown."""
        page = Page()
        page.add(c.REDIS_UP, "", 0)
        self._add_self(page, {"queues": (False, 0.0), "events": (False, 0.0)})
        return page

    def _forget(self, gone: list[QueueName]) -> None:
        if not gone:
            return
        for queue in gone:
            self._held.forget(queue)
            self._looker.forget(queue)
        self._follower.report_gone(gone)
        self._notices.info(f"queues gone from Redis: {', '.join(label(queue.base) for queue in gone[:5])}")

    def _events_recent(self) -> bool:
        return time.monotonic() - self._follower.last_poll < EVENTS_STALE_SECONDS
