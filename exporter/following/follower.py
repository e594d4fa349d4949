"""This file knows the thread that follows one target: how it is kept going, asked and stopped."""

import logging
import threading
import time
from collections.abc import Callable

from exporter.caches import CacheSnapshot
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Topology
from exporter.connection.wire import WireError
from exporter.following.bell import Bell
from exporter.following.place import StateFile
from exporter.following.roster import Roster
from exporter.following.rounds import Rounds
from exporter.following.tally import Histogram
from exporter.keys import QueueName
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.settings import TargetSettings

STOP_PATIENCE_SECONDS = 2.0
_RETRY_SECONDS = (0.01, 0.2)
"""Between two tries to connect, first and at most: workers of Bull try again after 50 ms and more."""


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
        self.connected = False
        self.error: str | None = None
        """Why events are not followed at the moment, in one line."""
        self._notices = notices
        self._bell = Bell()
        self._rounds = Rounds(
            settings, topology, roster, clock, notices, self._bell, state, began_ms, heard_ms, on_records
        )
        self.lock = self._rounds.lock
        """Held while events are added up; a reader that wants one consistent moment takes it."""
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
            self._rounds.links.abort()
            self._thread.join(timeout=10)

    def ask(self) -> int:
        """Have everything read that Redis holds at this moment; `wait` for the ticket's answer."""
        return self._bell.ask()

    def wait(self, ticket: int, timeout_seconds: float) -> bool:
        """Whether it was read in time."""
        return self._bell.wait(ticket, timeout_seconds)

    def save(self, timeout_seconds: float) -> None:
        """Have what is counted saved, if that may be done now; nothing is added to it until `take`, or for long."""
        self._bell.wait(self._bell.ask(to_save=True), timeout_seconds)

    def take(self) -> None:
        """Under `lock`: what was saved is looked at now, and following may go on after that."""
        self._bell.take()

    @property
    def refused(self) -> dict[str, str]:
        """The commands that this user may not run, with the server's words."""
        return self._rounds.refused

    @property
    def round_trips(self) -> Histogram:
        return self._rounds.round_trips

    @property
    def last_poll(self) -> float:
        """When all streams were last read, by `time.monotonic`."""
        return self._rounds.last_poll

    @property
    def all_found(self) -> bool:
        """Whether every queue that existed at the start has been found."""
        return self._rounds.finder.first_done

    @property
    def looked_everywhere(self) -> bool:
        """The same for the servers that can be reached."""
        return self._rounds.finder.looked_everywhere

    @property
    def scan_seconds(self) -> float | None:
        """How long the last walk through the key space took."""
        return self._rounds.finder.scan_seconds

    @property
    def caches(self) -> dict[str, CacheSnapshot]:
        """The user's caches as the last whole walk saw them."""
        return self._rounds.caches.snapshots

    def report_gone(self, queues: list[QueueName]) -> None:
        """The reader found nothing left of these queues."""
        self._rounds.gone.update(queues)
        self._bell.ring()

    def report_empty(self, queues: list[QueueName], at_ms: float) -> None:
        """The reader found that these queues had no open job then."""
        self._rounds.empty = dict.fromkeys(queues, at_ms)

    def _run(self) -> None:
        shortest, longest = _RETRY_SECONDS
        backoff = 0.0
        while not self._stopping:
            try:
                self._pause(backoff)
                self._rounds.connect()
                self.connected, self.error = True, None
                self._bell.fail(failed=False)
                while not self._stopping:
                    self._rounds.round()
                    backoff = 0.0
            except WireError as error:
                self._failed(str(error))
            except Exception as error:
                # A thread that ended unseen would leave events missing for good; begin again and say so.
                logging.getLogger("bullgauge").exception("following events failed")
                self._failed(f"{type(error).__name__}: {error}")
            backoff = min(max(backoff * 2, shortest), longest)
        self._rounds.end()

    def _pause(self, seconds: float) -> None:
        """Before the next try, whatever is heard or asked meanwhile."""
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            self._bell.wait_for_ring(left)
            self._rounds.hear()

    def _failed(self, reason: str) -> None:
        self.connected, self.error = False, reason
        self._bell.fail()
        self._notices.warn(f"events: {reason}")
        self._rounds.links.close()
