"""This file knows how one scrape of one target becomes one page, and what the page says when Redis does not answer."""

import time
from collections.abc import Callable, Mapping

from exporter import __version__, sections, server_info
from exporter import catalogue as c
from exporter import groups as g
from exporter.connection.clock import ServerClock
from exporter.connection.looking import Looker
from exporter.connection.topology import Topology
from exporter.connection.wire import WireError
from exporter.families import Page, labels
from exporter.filling import Filling
from exporter.following.follower import Follower
from exporter.following.place import DamagedStateError, StateFile
from exporter.following.roster import Roster
from exporter.keys import QueueName, label
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.reader import Readings
from exporter.settings import TargetSettings
from exporter.snapshot import QueueSnapshot, ServerSnapshot
from exporter.web.gate import Gate

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
        self._keep_records, self._is_saved = on_records is not None, state is not None
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
        self._filling = Filling(settings, self._topology, self._roster, self._clock, self._follower)
        self._gate: Gate[g.Choice, Page] = Gate(self._collect)
        self._last_success: float | None = None
        self._server = ServerSnapshot()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def address(self) -> str:
        """The target's address without secrets."""
        return self._topology.address

    @property
    def groups(self) -> g.Choice:
        """The groups that a page can have."""
        return self._settings.groups

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

    def page(
        self, *, openmetrics: bool, timeout_seconds: float | None, wanted: g.Choice | None = None
    ) -> bytes:
        """The wanted groups (all there are) as text. Never raises for Redis' sake: then it says `queue_redis_up 0`."""
        timeout = self._settings.redis.timeout_seconds
        deadline = time.monotonic() + min(timeout, timeout_seconds or timeout)
        groups = self.groups if wanted is None else wanted
        page = self._gate.get(groups, deadline)
        if page is None:
            page = self._down(groups)
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
            "Events": self._follower.error
            or ("followed" if self._settings.follows_events else "not asked for"),
            "Groups": ", ".join(group.name for group in g.GROUPS if group in self.groups),
        }

    def _collect(self, wanted: g.Choice, deadline: float) -> Page:
        began = time.monotonic()
        ticket = None if wanted.isdisjoint(g.OF_EVENTS) else self._follower.ask()
        queues = list(self._roster.followed)
        try:
            readings = self._looker.look(queues, self._roster.known_times, deadline, wanted)
        except WireError as error:
            self._notices.warn(f"scrape: {error}")
            return self._down(wanted)
        self._notices.warn_some(readings.errors, _ERRORS_TOLD)
        self._notices.warn_some([f"scrape: {reason}" for reason in readings.unreached.values()], _ERRORS_TOLD)
        page = Page()
        page.add(c.REDIS_UP, "", 1)
        read = time.monotonic()
        events_fresh = ticket is not None and self._has_heard(ticket, deadline)
        self._look_after(readings)
        self._filling.fill(page, readings, wanted, with_events=events_fresh)
        if not wanted.isdisjoint(g.OF_QUEUES):
            page.add(c.QUEUES_DISCOVERED, "", sum(snapshot.exists for snapshot in readings.queues))
        if g.REDIS in wanted:
            self._add_redis(page, readings)
        if g.CACHES in wanted:
            sections.add_caches(page, self._follower.caches.items())
        events_seconds = time.monotonic() - read
        self._add_self(page, self._outcomes(wanted, readings, events_fresh, read - began, events_seconds))
        if readings.moved:
            self._refresh()
        return page

    def _has_heard(self, ticket: int, deadline: float) -> bool:
        """Whether the events that Redis holds have been read, or were lately; then saved, where they are."""
        heard = self._follower.wait(ticket, _patience(deadline))
        if heard and self._is_saved:
            self._follower.save(_patience(deadline))
        return heard or self._events_recent()

    def _look_after(self, readings: Readings) -> None:
        """Have what is gone or empty by now known to those who keep something of it."""
        self._forget([snapshot.name for snapshot in readings.queues if not snapshot.exists])
        empty = [snapshot.name for snapshot in readings.queues if snapshot.exists and snapshot.is_empty]
        self._follower.report_empty(empty, readings.began_ms)

    def _refresh(self) -> None:
        """The cluster has moved slots: the next scrape asks the right nodes."""
        try:
            self._looker.links.refresh()
        except WireError as error:
            self._notices.warn(f"cluster: {error}")

    def _outcomes(
        self,
        wanted: g.Choice,
        readings: Readings,
        events_fresh: bool,
        read_seconds: float,
        events_seconds: float,
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
        asked = {group.collector for group in wanted}
        return {name: o for name, o in outcomes.items() if name in asked and not left_out.get(name)}

    def _add_redis(self, page: Page, readings: Readings) -> None:
        parts = [
            server_info.snapshot(info, maximum)
            for info, maximum in zip(readings.info, readings.clients_max, strict=False)
        ]
        if parts:
            self._server = server_info.merge(parts)
            sections.add_server(page, self._server)
        page.add_histogram(c.ROUND_TRIP, "", self._follower.round_trips)

    def _add_self(self, page: Page, collectors: dict[str, tuple[bool, float]]) -> None:
        for name, (success, seconds) in collectors.items():
            page.add(c.SCRAPE_SUCCESS, f'collector="{name}"', int(success))
            page.add(c.SCRAPE_DURATION, f'collector="{name}"', seconds)
        if collectors and all(success for success, _ in collectors.values()):
            self._last_success = time.time()
        page.add(c.LAST_SUCCESS, "", self._last_success)
        page.add(c.DISCOVERY_SECONDS, "", self._follower.scan_seconds)
        page.add(c.LABELS_DROPPED, "", self._roster.budget.labels_dropped)
        page.add(c.BUILD_INFO, labels({"version": __version__}), 1)

    def _down(self, wanted: g.Choice) -> Page:
        """What can still be said without Redis: that it is down. Nothing older is shown."""
        page = Page()
        page.add(c.REDIS_UP, "", 0)
        asked = {group.collector for group in wanted}
        self._add_self(page, {name: (False, 0.0) for name in ("queues", "events") if name in asked})
        return page

    def _forget(self, gone: list[QueueName]) -> None:
        if not gone:
            return
        for queue in gone:
            self._filling.forget(queue)
            self._looker.forget(queue)
        self._follower.report_gone(gone)
        self._notices.info(f"queues gone from Redis: {', '.join(label(queue.base) for queue in gone[:5])}")

    def _events_recent(self) -> bool:
        return time.monotonic() - self._follower.last_poll < EVENTS_STALE_SECONDS


def _patience(deadline: float) -> float:
    return min(EVENTS_PATIENCE_SECONDS, max(0.0, deadline - time.monotonic()))
