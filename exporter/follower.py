"""This file knows how to follow events, find queues and keep the place, all in one thread with one connection.

A round waits for a pub/sub message, a request or the next poll, whichever is first. A poll reads all streams with one
non-blocking XREAD; blocking on a thousand streams would cost Redis thirty times as much (bull-data-model, section 0).
"""

import logging
import threading
import time
from collections.abc import Callable
from random import Random

from exporter import rights
from exporter.bell import Bell
from exporter.bull_recovery import BullRecovery
from exporter.caches import CacheSnapshot, CacheWatch
from exporter.clock import FORWARD_STEP_SECONDS, ServerClock, Step
from exporter.discovery import Finder
from exporter.events import Message, milliseconds
from exporter.keys import QueueName
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.payloads import PayloadSampler
from exporter.place import StateFile
from exporter.pubsub import BullEvents
from exporter.roster import Roster
from exporter.settings import TargetSettings
from exporter.streamreader import Batch, StreamReader
from exporter.tally import Histogram
from exporter.topology import Links, Topology
from exporter.walk import ScanBudget
from exporter.wire import ReplyError, Wire, WireError, deadline_in

ROUND_TRIP_EDGES = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
POLL_SECONDS = 0.1
# Polling costs Redis about 2 µs a stream and poll, so many streams are polled less often.
POLL_SECONDS_PER_STREAM = 0.0005
HOUSEKEEPING_SECONDS = 1.0
STOP_PATIENCE_SECONDS = 2.0
TIMES_ASKED_FIRST = 5
"""The clock is set by the reply that was heard soonest: set late, it would jump later, and Bull's times with it."""
RIGHTS_AGAIN_SECONDS = 5.0
"""How often a user who lacks rights is tried again."""
_RETRY_SECONDS = (0.1, 2.0)
_REQUEST_PATIENCE_SECONDS = 0.5


class Follower:
    """Follows one target in the background. Start it once; `stop` ends it."""

    def __init__(
        self,
        settings: TargetSettings,
        topology: Topology,
        roster: Roster,
        clock: ServerClock,
        notices: Notices,
        state: StateFile | None = None,
        began_ms: int = 0,
        heard_ms: int = 0,
        on_records: Callable[[QueueName, list[JobRecord]], None] | None = None,
    ) -> None:
        self.lock = threading.Lock()
        """Held while events are added up; a reader that wants one consistent moment takes it."""
        self.refused: dict[str, str] = {}
        self.round_trips = Histogram(ROUND_TRIP_EDGES)
        self.connected = False
        self.error: str | None = None
        """Why events are not followed at the moment, in one line."""
        self.last_poll = float("-inf")
        self._settings = settings
        self._roster = roster
        self._clock = clock
        self._notices = notices
        self._state = state
        self._on_records = on_records
        prefixes = tuple(prefix.encode() for prefix in settings.prefixes)
        self._topology = topology
        self._links = Links(topology, "follow")
        self._reader = StreamReader(self._links, roster)
        self._caches = CacheWatch(settings, self._links, Random(2))
        self._finder = Finder(settings, self._links, roster, self._reader)
        self._heard_ms = heard_ms
        """Until when Bull's messages were heard, by the server's clock; 0 when they never were."""
        self._recovery = BullRecovery(self._links, self.lock)
        self._bell = Bell()
        self._bull = BullEvents(topology, prefixes, roster, clock, self._bell.ring)
        self._payloads = PayloadSampler(settings.payload_samples_per_second, Random(1))
        self._gone: set[QueueName] = set()
        self._empty: dict[QueueName, float] = {}
        self._ahead = 0.0
        """How far the server's clock was ahead of the monotonic one at the last poll."""
        self._started = time.monotonic()
        self._began_ms = began_ms
        """When counting began, by the server's clock; 0 until it is known."""
        self._next_poll = self._next_ping = self._next_housekeeping = self._next_rights = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after a last save of the place."""
        self._stopping = True
        self._bell.ring()
        self._thread.join(timeout=STOP_PATIENCE_SECONDS)
        if self._thread.is_alive():
            # It waits for a server that does not answer.
            self._links.abort()
            self._thread.join(timeout=10)

    def ask(self) -> int:
        """Have everything read that Redis holds at this moment; `wait` for the ticket's answer."""
        return self._bell.ask()

    def wait(self, ticket: int, timeout_seconds: float) -> bool:
        """Whether it was read in time."""
        return self._bell.wait(ticket, timeout_seconds)

    @property
    def all_found(self) -> bool:
        """Whether every queue that existed at the start has been found."""
        return self._finder.first_done

    @property
    def scan_seconds(self) -> float | None:
        """How long the last walk through the key space took."""
        return self._finder.scan_seconds

    @property
    def caches(self) -> dict[str, CacheSnapshot]:
        """The user's caches as the last whole walk saw them."""
        return self._caches.snapshots

    def report_gone(self, queues: list[QueueName]) -> None:
        """The reader found nothing left of these queues."""
        self._gone.update(queues)
        self._bell.ring()

    def report_empty(self, queues: list[QueueName], at_ms: float) -> None:
        """The reader found that these queues had no open job then."""
        self._empty = dict.fromkeys(queues, at_ms)

    def _run(self) -> None:
        backoff, longest = _RETRY_SECONDS
        while not self._stopping:
            try:
                self._connect()
                backoff = _RETRY_SECONDS[0]
                while not self._stopping:
                    self._round()
            except WireError as error:
                self._failed(str(error))
            except Exception as error:
                # A thread that ended unseen would leave events missing for good; begin again and say so.
                logging.getLogger("bullgauge").exception("following events failed")
                self._failed(f"{type(error).__name__}: {error}")
            if not self._stopping:
                self._bell.wait_for_ring(backoff)
                backoff = min(backoff * 2, longest)
        self._save()
        self._links.close()
        self._bull.close()

    def _failed(self, reason: str) -> None:
        self.connected, self.error = False, reason
        self._bell.fail()
        self._notices.warn(f"events: {reason}")
        self._links.close()
        self._bull.close()

    def _connect(self) -> None:
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        for wire in self._links.connect(deadline):
            self._greet(wire, deadline)
        if not self._began_ms:
            self._begin()
        self._learn_rights(deadline)
        self._prepare()
        self._ahead = self._clock.ahead_of_monotonic()
        self._next_poll = 0.0
        self.connected, self.error = True, None
        self._bell.fail(failed=False)

    def _learn_rights(self, deadline: float) -> None:
        """What this user may not do on any of the servers; told once."""
        self._next_rights = time.monotonic() + RIGHTS_AGAIN_SECONDS
        found: dict[str, str] = {}
        for wire in self._links.wires:
            found |= rights.refused(wire, self._settings, deadline)
        self._notices.warn_some(rights.explain(found, self._settings), 20)
        self._hear_bull(deadline)
        if self._bull.refused is not None:
            found["psubscribe"] = self._bull.refused
        self.refused = found

    def _hear_bull(self, deadline: float) -> None:
        """Subscribe where that was not done yet, and count what was kept of the time before."""
        if self._bull.connect(deadline, self._notices) and self._heard_ms:
            for followed in self._roster.followed.values():
                self._recovery.recover(followed, self._heard_ms, self._now_ms(), deadline)

    def _prepare(self) -> None:
        """Have every part begin with the present connections and rights."""
        self._reader.renew(self.refused)
        budgets = [ScanBudget(self._settings.scan_share) for _ in self._links.wires]
        self._finder.renew(self.refused, budgets)
        self._caches.renew(self.refused, budgets)
        self._payloads.enabled = "hstrlen" not in self.refused

    def _look_for_rights(self, now: float) -> None:
        """Rights that were missing may have been granted since, as the notice asks."""
        if self.refused and now >= self._next_rights:
            before = self.refused.keys()
            self._learn_rights(deadline_in(self._settings.redis.timeout_seconds))
            if self.refused.keys() != before:
                self._prepare()

    def _greet(self, wire: Wire, deadline: float) -> None:
        for _ in range(TIMES_ASKED_FIRST):
            self._clock.set(wire.call("TIME", deadline=deadline))
        first = wire.call("PING", deadline=deadline)
        if isinstance(first, ReplyError) and not rights.is_refusal(first):
            raise WireError(f"{wire.address}: {first}")

    def _begin(self) -> None:
        """Counting began at the start, by the server's clock, also when it was down then."""
        self._began_ms = int((self._clock.seconds() - (time.monotonic() - self._started)) * 1000)

    def _round(self) -> None:
        self._wait()
        self._take_messages()
        now = time.monotonic()
        if now >= self._next_poll or self._bell.is_waited_for:
            self._poll(now)
        self._drop_gone()
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        self._finder.step(self._began_ms, self._now_ms(), deadline)
        self._caches.step(deadline)
        self._housekeeping(now)
        if self._state is not None and self._state.due():
            self._save()

    def _wait(self) -> None:
        """Until it is woken or something is due."""
        due = min(
            self._next_poll - time.monotonic(), self._finder.pause(), self._caches.pause(), POLL_SECONDS
        )
        self._bell.wait_for_ring(0.0 if self._bell.is_waited_for else max(0.0, due))

    def _poll(self, now: float) -> None:
        asked = self._bell.asked
        empty, self._empty = self._empty, {}
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        self._measure_round_trip(now, deadline)
        patience = now + _REQUEST_PATIENCE_SECONDS
        more = True
        while more:
            batches = self._reader.read(deadline)
            pressed = self._reader.is_pressed(batches)
            step = self._clock_step(batches, deadline)
            with self.lock:
                more = self._reader.take(batches, step)
                self._reader.settle()
            self._after_events(deadline)
            if time.monotonic() > patience:
                break
        self._take_messages()
        if self._bull.connected:
            self._heard_ms = self._now_ms()
        for queue, at_ms in empty.items():
            self._roster.close_jobs_of(queue, at_ms)
        self.last_poll = time.monotonic()
        self._next_poll = now if more else self.last_poll + self._poll_pause(pressed=pressed)
        self._bell.answer(asked)

    def _clock_step(self, batches: list[Batch], deadline: float) -> Step | None:
        """Whether the server's clock was set ahead since the last look; what it wrote since may tell it first."""
        if len(self._links.wires) > 1 or not self._clock.known:
            return None  # servers of a cluster have clocks of their own
        latest_ms = max((milliseconds(entries[-1][0]) for _, entries in batches), default=0)
        if latest_ms > self._now_ms() + FORWARD_STEP_SECONDS * 1000:
            self._clock.set(self._links.wires[0].call("TIME", deadline=deadline))
        step = self._clock.step_since(self._ahead)
        self._ahead = self._clock.ahead_of_monotonic()
        return step

    def _poll_pause(self, *, pressed: bool) -> float:
        """Small streams that turn over quickly are polled five times as often."""
        pause = max(POLL_SECONDS, len(self._roster.followed) * POLL_SECONDS_PER_STREAM)
        return pause / 5 if pressed else pause

    def _measure_round_trip(self, now: float, deadline: float) -> None:
        if now < self._next_ping:
            return
        self._next_ping = now + 1.0
        for wire in self._links.wires:
            began = time.perf_counter()
            reply = wire.call("PING" if "time" in self.refused else "TIME", deadline=deadline)
            if wire.connected:
                self.round_trips.observe(time.perf_counter() - began)
            self._clock.set(reply)

    def _take_messages(self) -> None:
        heard = self._bull.take()
        if not heard:
            return
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        every = [message for _, messages in heard for message in messages]
        facts = self._bull.look_up(self._links, every, deadline)
        for at_ms, messages in heard:
            with self.lock:
                unknown = self._bull.apply(messages, at_ms, facts)
            if unknown:
                self._admit_speakers(unknown, at_ms, deadline)
        self._after_events(deadline)

    def _admit_speakers(self, messages: list[Message], at_ms: float, deadline: float) -> None:
        """A Bull queue that speaks before a walk found it counts from this very message."""
        speakers = {queue for message in messages if (queue := self._bull.queue_of(message.base)) is not None}
        wanted = {queue for queue in speakers if self._finder.is_wanted(queue)}
        if wanted:
            self._finder.verify(wanted, self._began_ms, self._now_ms(), deadline, is_new=True)
            facts = self._bull.look_up(self._links, messages, deadline)
            with self.lock:
                self._bull.apply(messages, at_ms, facts)

    def _after_events(self, deadline: float) -> None:
        """Look up names that the stream did not tell, sample payloads, hand over finished attempts."""
        self._reader.look_up_names(deadline, self.lock)
        self._payloads.sample(self._roster, self._links, deadline)
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
        if self._links.is_left_behind:
            raise WireError("Sentinel names another primary")
        if not self._links.is_whole:
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
        self._caches.forget()
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        before = self._links.wires
        opened = list(self._links.connect(deadline))
        for wire in opened:
            self._greet(wire, deadline)
        if opened or self._links.wires is not before:
            self._learn_rights(deadline)
            self._prepare()

    def _drop_gone(self) -> None:
        while self._gone:
            queue = self._gone.pop()
            with self.lock:
                self._roster.remove(queue)

    def _save(self) -> None:
        if self._state is None or not self._began_ms:
            return
        self._state.write(
            {
                "counting_began_ms": self._began_ms,
                "heard_ms": self._heard_ms,
                "queues": self._roster.dump(),
            }
        )
        if self._state.last_error:
            self._notices.warn(self._state.last_error)

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)
