"""This file knows how Bull's messages are followed: heard, looked up, applied, and made up for where they were missed.

Nothing that is published while nobody listens can be had again. So a subscription outlives the failure of every
other connection, and one that broke is made anew before anything else.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from exporter.bull.pubsub import BullEvents, Facts
from exporter.bull.recovery import BullRecovery
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import WireError, deadline_in
from exporter.discovery import Finder
from exporter.events import Message
from exporter.following.roster import Roster
from exporter.notices import Notices
from exporter.settings import TargetSettings

ANSWER_SECONDS = 1.0
"""A subscription that outlived another connection has so long to show that it still stands."""


class BullFollower:
    """The Bull queues of one target; for the following thread alone."""

    def __init__(
        self,
        settings: TargetSettings,
        topology: Topology,
        links: Links,
        roster: Roster,
        clock: ServerClock,
        finder: Finder,
        notices: Notices,
        lock: threading.Lock,
        wake: Callable[[], None],
        heard_ms: int,
    ) -> None:
        """`links` are for questions; `lock` is held while events are added up."""
        self.heard_ms = heard_ms
        """Until when messages were heard, by the server's clock; 0 when they never were."""
        self._missed_since_ms = 0
        """Since when messages were missed that were not made up for yet; 0 when there are none."""
        self._settings = settings
        self._links = links
        self._roster = roster
        self._clock = clock
        self._finder = finder
        self._notices = notices
        self._lock = lock
        prefixes = tuple(prefix.encode() for prefix in settings.prefixes)
        self._events = BullEvents(topology, prefixes, roster, clock, wake)
        self._recovery = BullRecovery(links, lock)

    @property
    def refused(self) -> str | None:
        """Why the server refuses the subscription, in its words."""
        return self._events.refused

    def listen(self, deadline: float) -> None:
        """Subscribe where no subscription stands and events are wanted. Raises WireError."""
        if self._events.connected or not self._settings.follows_events:
            return
        self._events.close()
        self.take(0)
        if self._events.connect(deadline, self._notices):
            self._missed_since_ms = self._missed_since_ms or self.heard_ms

    def verify(self, deadline: float) -> None:
        """Other connections broke: does the subscription still stand? If not, make it anew. Raises WireError."""
        if not self._events.answers(min(deadline, time.monotonic() + ANSWER_SECONDS)):
            self._events.close()
            self.listen(deadline)

    def make_up(self, now_ms: int, deadline: float) -> None:
        """Count what was kept of the time in which nobody listened. Raises WireError."""
        if self._missed_since_ms:
            every = self._roster.followed.values()
            self._recovery.recover(every, self._missed_since_ms, now_ms, deadline)
            self._missed_since_ms = 0

    def take(self, began_ms: int) -> bool:
        """Apply what was heard; whether there was anything. `began_ms` is when counting began, 0 while unknown."""
        heard = self._events.take()
        if not heard:
            return False
        deadline = deadline_in(self._settings.redis.timeout_seconds)
        facts = self._look_up([message for _, messages in heard for message in messages], deadline)
        for at_ms, messages in heard:
            with self._lock:
                unknown = self._events.apply(messages, at_ms, facts)
            if unknown and began_ms:
                self._admit_speakers(unknown, at_ms, began_ms, deadline)
        return True

    def keep_up(self, now_ms: int) -> None:
        """Note until when messages were heard, or subscribe anew where that broke. Raises WireError."""
        if self._events.connected:
            self.heard_ms = now_ms
        elif self._events.refused is None:
            deadline = deadline_in(self._settings.redis.timeout_seconds)
            self.listen(deadline)
            self.make_up(now_ms, deadline)

    def close(self) -> None:
        self._events.close()

    def _look_up(self, messages: list[Message], deadline: float) -> Facts:
        """What Redis adds to messages; nothing where it is gone, which the next poll will tell."""
        try:
            return self._events.look_up(self._links, messages, deadline)
        except WireError:
            return {}

    def _admit_speakers(self, messages: list[Message], at_ms: float, began_ms: int, deadline: float) -> None:
        """A Bull queue that speaks before a walk found it counts from this very message."""
        speakers = {
            queue for message in messages if (queue := self._events.queue_of(message.base)) is not None
        }
        wanted = {queue for queue in speakers if self._finder.is_wanted(queue)}
        if wanted:
            now_ms = int(self._clock.seconds() * 1000)
            with suppress(WireError):
                self._finder.verify(wanted, began_ms, now_ms, deadline, is_new=True)
            facts = self._look_up(messages, deadline)
            with self._lock:
                self._events.apply(messages, at_ms, facts)
