"""This file knows what a round of following is: hear, read, find, keep house and save, over one connection.

A round waits for a pub/sub message, a request or the next poll, whichever is first. A poll reads all streams with one
non-blocking XREAD; blocking on a thousand streams would cost Redis thirty times as much (bull-data-model, section 0).
"""

import threading
import time
from collections.abc import Callable
from random import Random

from exporter import catalogue, groups
from exporter.bull.following import BullFollower
from exporter.caches import CacheWatch
from exporter.connection import rights
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import ReplyError, Wire, WireError, deadline_in
from exporter.discovery import Finder
from exporter.following.bell import Bell
from exporter.following.payloads import PayloadSampler
from exporter.following.place import StateFile
from exporter.following.roster import Roster
from exporter.following.streamreader import StreamReader
from exporter.following.tally import Histogram
from exporter.keys import QueueName
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.settings import TargetSettings
from exporter.walk import ScanBudget

POLL_SECONDS = 0.1
# Polling costs Redis about 2 µs a stream and poll, so many streams are polled less often.
POLL_SECONDS_PER_STREAM = 0.0005
HOUSEKEEPING_SECONDS = 1.0
TIMES_ASKED_FIRST = 3
"""Each answer narrows what the server's clock may say."""
RIGHTS_AGAIN_SECONDS = 5.0
"""How often a user who lacks rights is tried again."""
_REQUEST_PATIENCE_SECONDS = 0.5
_TAKING_SECONDS = 1.0  # so long nothing is added to what was saved for a page


class Rounds:
    """Everything that is done to follow one target; for one thread, but for what says otherwise."""

    def __init__(
        self,
        settings: TargetSettings,
        topology: Topology,
        roster: Roster,
        clock: ServerClock,
        notices: Notices,
        bell: Bell,
        state: StateFile | None,
        began_ms: int,
        heard_ms: int,
        on_records: Callable[[QueueName, list[JobRecord]], None] | None,
    ) -> None:
        self.lock = threading.Lock()
        """Held while events are added up; a reader that wants one consistent moment takes it."""
        self.refused: dict[str, str] = {}
        self.round_trips = Histogram(catalogue.ROUND_TRIP_BUCKETS)
        self.last_poll = float("-inf")
        self.gone: set[QueueName] = set()
        """Queues of which another thread found nothing left."""
        self.empty: dict[QueueName, float] = {}
        """When another thread found that a queue had no open job, in ms of the server's clock."""
        self.links = Links(topology, "follow")
        watched = settings.caches if groups.CACHES in settings.groups else {}
        self.caches = CacheWatch(watched, self.links, Random(2))
        self._settings = settings
        self._topology = topology
        self._roster = roster
        self._clock = clock
        self._notices = notices
        self._bell = bell
        self._state = state
        self._on_records = on_records
        self._reader = StreamReader(self.links, roster)
        self.finder = Finder(settings, self.links, roster, self._reader)
        self._bull = BullFollower(
            settings,
            topology,
            self.links,
            roster,
            clock,
            self.finder,
            notices,
            self.lock,
            wake=bell.ring,
            heard_ms=heard_ms,
        )
        self._payloads = PayloadSampler(settings.payload_samples_per_second, Random(1))
        self._started = time.monotonic()
        self._began_ms = began_ms
        """When counting began, by the server's clock; 0 until it is known."""
        self._next_poll = self._next_ping = self._next_housekeeping = self._next_rights = 0.0

    def connect(self) -> None:
        """Open what is closed and begin. Raises WireError."""
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        if self._clock.known and self._bull.refused is None:
            # What Bull publishes until then is missed, and all the rest can wait.
            self._bull.listen(deadline)
        for wire in self.links.connect(deadline):
            self._greet(wire, deadline)
        if not self._began_ms:
            self._begin()
        self._bull.verify(deadline)
        self._bull.make_up(self._now_ms(), deadline)
        self._learn_rights(deadline)
        self._prepare()
        self._next_poll = 0.0

    def hear(self) -> None:
        """Take what Bull says, also while nothing else can be had."""
        self._bull.take(self._began_ms)

    def end(self) -> None:
        """Save the place a last time and close everything."""
        self._save(at_end=True)
        self.links.close()
        self._bull.close()

    def _learn_rights(self, deadline: float) -> None:
        """What this user may not do on any of the servers; told once."""
        self._next_rights = time.monotonic() + RIGHTS_AGAIN_SECONDS
        found: dict[str, str] = {}
        for wire in self.links.wires:
            found |= rights.refused(wire, self._settings, deadline)
        self._notices.warn_some(rights.explain(found, self._settings), 20)
        if self._bull.refused is not None:
            found["psubscribe"] = self._bull.refused
        self.refused = found

    def _listen(self, deadline: float) -> None:
        """Subscribe where that was not done yet, and count what was kept of the time before."""
        self._bull.listen(deadline)
        self._bull.make_up(self._now_ms(), deadline)

    def _prepare(self) -> None:
        """Have every part begin with the present connections and rights."""
        self._reader.renew(self.refused, is_wanted=self._settings.follows_events)
        budgets = [ScanBudget(self._settings.scan_share) for _ in self.links.wires]
        self.finder.renew(self.refused, budgets)
        self.caches.renew(self.refused, budgets)
        self._payloads.enabled = "hstrlen" not in self.refused and groups.PAYLOADS in self._settings.groups

    def _look_for_rights(self, now: float) -> None:
        """Rights that were missing may have been granted since, as the notice asks."""
        if self.refused and now >= self._next_rights:
            before = self.refused.keys()
            deadline = deadline_in(self._settings.redis.timeout_seconds)
            self._listen(deadline)
            self._learn_rights(deadline)
            if self.refused.keys() != before:
                self._prepare()

    def _greet(self, wire: Wire, deadline: float) -> None:
        for _ in range(TIMES_ASKED_FIRST):
            self._clock.ask(wire, deadline)
        first = wire.call("PING", deadline=deadline)
        if isinstance(first, ReplyError) and not rights.is_refusal(first):
            raise WireError(f"{wire.address}: {first}")

    def _begin(self) -> None:
        """Counting began at the start, by the server's clock, also when it was down then."""
        self._began_ms = int((self._clock.seconds() - (time.monotonic() - self._started)) * 1000)

    def round(self) -> None:
        """Wait until something is due and do what is. Raises WireError."""
        self._wait()
        self._take_messages()
        now = time.monotonic()
        if now >= self._next_poll or self._bell.is_waited_for:
            self._poll(now)
        self._drop_gone()
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        self.finder.step(self._began_ms, self._now_ms(), deadline)
        self.caches.step(deadline)
        self._housekeeping(now)
        self._save()

    def _wait(self) -> None:
        """Until it is woken or something is due."""
        due = min(self._next_poll - time.monotonic(), self.finder.pause(), self.caches.pause(), POLL_SECONDS)
        self._bell.wait_for_ring(0.0 if self._bell.is_waited_for else max(0.0, due))

    def _poll(self, now: float) -> None:
        asked = self._bell.asked
        empty, self.empty = self.empty, {}
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        self._measure_round_trip(now, deadline)
        patience = now + _REQUEST_PATIENCE_SECONDS
        more = True
        while more:
            batches = self._reader.read(deadline)
            pressed = self._reader.is_pressed(batches)
            with self.lock:
                more = self._reader.take(batches)
                self._reader.settle()
            self._after_events(deadline)
            if time.monotonic() > patience:
                break
        self._take_messages()
        for queue, at_ms in empty.items():
            self._roster.close_jobs_of(queue, at_ms)
        self.last_poll = time.monotonic()
        self._next_poll = now if more else self.last_poll + self._poll_pause(pressed=pressed)
        # Saved before it is shown: a counter that a kill makes a little lower is a reset for Prometheus.
        saved = self._bell.wants_saving(asked) and self._save(shown=True)
        self._bell.answer(asked)
        if saved:
            self._bell.wait_until_taken(asked, _TAKING_SECONDS)

    def _poll_pause(self, *, pressed: bool) -> float:
        """Small streams that turn over quickly are polled five times as often."""
        pause = max(POLL_SECONDS, len(self._roster.followed) * POLL_SECONDS_PER_STREAM)
        return pause / 5 if pressed else pause

    def _measure_round_trip(self, now: float, deadline: float) -> None:
        if now < self._next_ping:
            return
        self._next_ping = now + 1.0
        for wire in self.links.wires:
            began = time.perf_counter()
            asked = time.monotonic()
            reply = wire.call("PING" if "time" in self.refused else "TIME", deadline=deadline)
            if wire.connected:
                self.round_trips.observe(time.perf_counter() - began)
            self._clock.set(reply, asked)

    def _take_messages(self) -> None:
        if self._bull.take(self._began_ms):
            self._after_events(deadline_in(self._settings.redis.timeout_seconds))
        self._bull.keep_up(self._now_ms())

    def _after_events(self, deadline: float) -> None:
        """Look up names that the stream did not tell, sample payloads, hand over finished attempts."""
        self._reader.look_up_names(deadline, self.lock)
        self._payloads.sample(self._roster, self.links, deadline)
        if self._on_records is not None:
            for followed in self._roster.followed.values():
                records = followed.lifecycle.records
                if records:
                    self._on_records(followed.queue, records)
                    records.clear()

    def _housekeeping(self, now: float) -> None:
        if now < self._next_housekeeping:
            return
        self._next_housekeeping = now + HOUSEKEEPING_SECONDS
        self._topology.look_for_switch()
        if self.links.is_left_behind:
            raise WireError("Sentinel names another primary")
        if not self.links.is_whole:
            self._mend()
        self._look_for_rights(now)
        self._roster.forget_parked()
        with self.lock:
            forgotten = self._roster.limit_open_jobs(self._settings.open_jobs_max)
        if forgotten:
            self._notices.warn(
                f"more than {self._settings.open_jobs_max} open jobs: the oldest are forgotten and will count as "
                "unknown_start; raise open_jobs_max to follow more"
            )

    def _mend(self) -> None:
        """A primary of a cluster is gone: the others are followed meanwhile. Raises WireError when all are."""
        self.caches.forget()
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        before = self.links.wires
        opened = list(self.links.connect(deadline))
        for wire in opened:
            self._greet(wire, deadline)
        if opened or self.links.wires is not before:
            self._listen(deadline)
            self._learn_rights(deadline)
            self._prepare()

    def _drop_gone(self) -> None:
        while self.gone:
            queue = self.gone.pop()
            with self.lock:
                self._roster.remove(queue)

    def _save(self, *, shown: bool = False, at_end: bool = False) -> bool:
        """Write the state where that is due, for a page that will show it or at the end; whether it was."""
        if self._state is None or not self._began_ms or not (at_end or self._state.due(shown=shown)):
            return False
        state = {
            "counting_began_ms": self._began_ms,
            "heard_ms": self._bull.heard_ms,
            "queues": self._roster.dump(),
        }
        self._state.write(state, shown=shown)
        if self._state.last_error:
            self._notices.warn(self._state.last_error)
        return True

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)
