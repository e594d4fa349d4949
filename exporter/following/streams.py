"""This file knows the place in one event stream and how many entries were lost before they were read.

`XINFO STREAM` tells `entries-added`, all entries ever (Redis 7). At the end of the stream, that number less the
entries at the starting place and the entries read is the loss, exactly; on the way there, what was trimmed from the
head beyond the place is. Redis 6.2 has no such number: there a gap is noticed, not measured.
"""

from dataclasses import dataclass
from typing import Any

from exporter.asks import bulk
from exporter.events import frequent_kind, from_stream, milliseconds
from exporter.following.stream_lifecycle import StreamLifecycle
from exporter.keys import QueueName

BEGINNING = b"0-0"
AHEAD_MAX_MS = 10
"""By so much an id may be ahead of the server's clock; a smaller step back is not worth a doubt."""
LONG_GAP_MS = 2000
"""After a loss over more time than this, the start of a running attempt is no longer believed."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The part of XINFO STREAM that is used; a missing stream has no last id."""

    length: int = 0
    first_id: bytes | None = None
    last_id: bytes | None = None
    entries_added: int | None = None


def stream_info(reply: Any) -> StreamInfo:
    """One XINFO STREAM reply; an error reply (no such key) is a missing stream."""
    if not isinstance(reply, list):
        return StreamInfo()
    values = dict(zip(reply[::2], reply[1::2], strict=False))
    first = values.get(b"first-entry")
    added = values.get(b"entries-added")
    return StreamInfo(
        length=int(values.get(b"length", 0)),
        first_id=first[0] if isinstance(first, list) and first else None,
        last_id=values.get(b"last-generated-id"),
        entries_added=int(added) if added is not None else None,
    )


def just_before(at_ms: int) -> bytes:
    """The place from which every entry of `at_ms` and later is read."""
    return b"%d-18446744073709551615" % (at_ms - 1)


class Stream:
    """Where reading stands in one stream, and what it led to."""

    def __init__(self, queue: QueueName, wire: int, lifecycle: StreamLifecycle) -> None:
        self.queue = queue
        self.wire = wire
        self.key = queue.key(b"events")
        self.lifecycle = lifecycle
        self.at_end = False
        self.caught_up = False
        """Whether the end was reached since the exporter started: only then are the totals whole."""
        self.lost: dict[str, int] | None = None
        """Entries trimmed before they were read, while following (`trimmed`) or over an interruption of it
        (`disconnected`); None where the server can't tell."""
        self.interrupted = False
        """Whether following was interrupted since the last check."""
        self.gaps = 0
        self.is_compared = False
        """Whether the place was ever compared with XINFO, which may be forbidden."""
        self.last_event_ms = 0.0
        self.dirty = True
        """Whether entries were read since the last check."""
        self.length = 0
        """Entries in the stream at the last check; 0 while nothing was ever trimmed."""
        self._seen: int | None = None
        """How many entries were ever added up to the place: read, lost or before counting began."""
        self._first_id: bytes | None = None
        """The oldest entry at the last look, and the oldest one ever seen: by these an older copy is known."""
        self._earliest_id: bytes | None = None
        self.move_to(BEGINNING)

    @property
    def position(self) -> bytes:
        return self._position

    def move_to(self, position: bytes) -> None:
        self._position = position
        self.packed_position = bulk(position)

    def take(self, entries: list[Any], now_ms: int | None = None) -> None:
        """Entries read, in order, when the server's clock said `now_ms`."""
        if self._first_id is None:
            self._note_first(entries[0][0])
        if now_ms is not None and milliseconds(entries[-1][0]) > now_ms + AHEAD_MAX_MS:
            self._apply_until(now_ms, entries)
        else:
            self._apply(entries)
        self.move_to(entries[-1][0])
        self.last_event_ms = float(milliseconds(entries[-1][0]))
        self.dirty = True
        if self._seen is not None:
            self._seen += len(entries)

    def _apply(self, entries: list[Any]) -> None:
        lifecycle = self.lifecycle
        for entry in entries:
            entry_id, fields = entry
            kind = frequent_kind(fields) if len(fields) > 3 else None
            if kind is None or lifecycle.is_undecided:
                if (event := from_stream(entry)) is not None:
                    lifecycle.apply(event)
            elif kind == b"active":
                lifecycle.start(fields[3], milliseconds(entry_id))
            elif kind == b"completed":
                lifecycle.complete(fields[3], milliseconds(entry_id))
            elif kind == b"waiting":
                lifecycle.wait(fields[3], milliseconds(entry_id), None)
            else:
                lifecycle.add(fields[3], fields[5])

    def _apply_until(self, now_ms: int, entries: list[Any]) -> None:
        """Ids never go back: after the clock was set back they stand still, and tell nothing of the time."""
        timed = sum(milliseconds(entry_id) <= now_ms + AHEAD_MAX_MS for entry_id, _ in entries)
        self._apply(entries[:timed])
        for entry in entries[timed:]:
            if (event := from_stream(entry)) is not None:
                self.lifecycle.apply_untimed(event)

    def reached_end(self) -> None:
        self.at_end = self.caught_up = True
        self.lifecycle.settle()

    def admit(
        self, info: StreamInfo, counting_began_ms: int, now_ms: int, *, is_new: bool, is_whole: bool = False
    ) -> None:
        """Choose the place to begin: the moment counting began, or the beginning of a stream that is newer.

        `is_new` says that the queue did not exist when counting began, so all its entries count; `is_whole` that
        nothing was trimmed, where the server can't tell it.
        """
        self.is_compared = True
        if info.last_id is None or is_new:
            self._restart()
        elif _id(info.last_id)[0] < counting_began_ms or _id(info.last_id)[0] > now_ms + 1000:
            # All of it is older. Ids run ahead of the clock where the clock was set back; the last id counts then.
            self.move_to(info.last_id)
            self._seen = info.entries_added
        else:
            self.move_to(just_before(counting_began_ms))
            self._admit_between(info, is_whole=is_whole)
        self._note_first(info.first_id)
        self.lost = _none_lost() if info.entries_added is not None or info.last_id is None else None

    def _admit_between(self, info: StreamInfo, *, is_whole: bool) -> None:
        """Counting began in the middle of what the stream held: was anything after that trimmed already?"""
        if is_whole:
            return
        if info.entries_added == info.length and self._is_past_place(info):
            self._seen = 0
        elif self._is_past_place(info):
            # The trimmed part may be older or newer than the place; it can't be told.
            self.gaps += 1
            self._seen = None if info.entries_added is None else info.entries_added - info.length

    def check(self, info: StreamInfo) -> None:
        """Compare the place with the stream itself: losses, deletion, a step back after a failover."""
        self.dirty, self.is_compared = False, True
        is_full = info.entries_added is None or info.entries_added > info.length
        self.length = info.length if is_full else 0
        if info.last_id is not None and info.entries_added is None:
            self.lost = None
        if info.last_id is None:
            # Deleted: what was written to it after the last read is not known.
            self.gaps += self._position != BEGINNING
            self._restart()
        elif _id(self._position) > _id(info.last_id):
            self._place_is_ahead(info)
        elif info.first_id is None:
            self._all_is_trimmed(info.last_id, info.entries_added)
        elif info.entries_added is None:
            self._notice_gap(info)
        else:
            self._measure_loss(info, info.entries_added)
        self._note_first(info.first_id)
        self.interrupted = False

    def _measure_loss(self, info: StreamInfo, added: int) -> None:
        at_end = self._position == info.last_id
        self.lost = self.lost or _none_lost()
        if self._seen is None:
            self._seen = added if at_end else None
        elif at_end:
            self._account(self.lost, added - self._seen)
        elif self._is_past_place(info):
            missing = added - info.length - self._seen
            if missing > 0 and self._is_long_gap(info):
                self.lifecycle.doubt_starts()
            self._account(self.lost, missing)

    def _all_is_trimmed(self, last_id: bytes, added: int | None) -> None:
        """The stream is empty (`maxLenEvents` 0): what came after the place is gone."""
        if last_id == self._position:
            return
        self.lifecycle.doubt_starts()
        self.move_to(last_id)
        if added is None:
            self.gaps += 1
        elif self._seen is None:
            self._seen = added
        else:
            self.lost = self.lost or _none_lost()
            self._account(self.lost, added - self._seen)

    def _is_long_gap(self, info: StreamInfo) -> bool:
        """Whether attempts may have ended and others begun in between, unseen."""
        first_ms = _id(info.first_id)[0] if info.first_id is not None else 0
        return self.interrupted or first_ms - self.last_event_ms > LONG_GAP_MS

    def _account(self, lost: dict[str, int], missing: int) -> None:
        if missing < 0:
            # Deleted and made anew with higher ids: what the old one still held is not known.
            self.gaps += 1
        lost["disconnected" if self.interrupted else "trimmed"] += max(0, missing)
        self._seen = (self._seen or 0) + missing

    def _is_past_place(self, info: StreamInfo) -> bool:
        """Whether the oldest entry left is newer than the place, so that what lay between is gone."""
        return info.first_id is not None and _id(info.first_id) > _id(self._position)

    def _notice_gap(self, info: StreamInfo) -> None:
        if self.last_event_ms > 0 and self._position != BEGINNING and self._is_past_place(info):
            self.gaps += 1
            if self._is_long_gap(info):
                self.lifecycle.doubt_starts()

    def _place_is_ahead(self, info: StreamInfo) -> None:
        """The stream ends before the place: an older copy of it (failover, restored), or a new one."""
        if self._is_older_copy(info):
            self.move_to(info.last_id or BEGINNING)
            self._seen = info.entries_added
        else:
            self._restart()
        self.gaps += 1

    def _is_older_copy(self, info: StreamInfo) -> bool:
        """Whether it is the same stream as it was before; another one that was never trimmed begins elsewhere."""
        first = info.first_id
        if first is None or first in (self._first_id, self._earliest_id):
            return True
        if info.entries_added is not None:
            return info.entries_added > info.length
        return self._earliest_id is not None and _id(first) > _id(self._earliest_id)

    def _note_first(self, first_id: bytes | None) -> None:
        self._first_id = first_id
        self._earliest_id = self._earliest_id or first_id

    def _restart(self) -> None:
        """No stream here, or another one: whatever comes is new and read from its beginning."""
        self.move_to(BEGINNING)
        self._first_id = self._earliest_id = None
        self._seen = 0
        self.lost = self.lost or _none_lost()

    def dump(self) -> dict[str, Any]:
        """The place as plain JSON values."""
        return {
            "position": self._position.decode(),
            "seen": self._seen,
            "lost": self.lost,
            "gaps": self.gaps,
            "first_id": self._first_id.decode() if self._first_id else None,
            "earliest_id": self._earliest_id.decode() if self._earliest_id else None,
            "last_event_ms": self.last_event_ms,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over a dumped place."""
        self.move_to(str(state["position"]).encode())
        self._seen, self.lost, self.gaps = state["seen"], state["lost"], int(state["gaps"])
        self._first_id = state["first_id"].encode() if state["first_id"] else None
        self._earliest_id = state["earliest_id"].encode() if state["earliest_id"] else None
        self.last_event_ms = float(state["last_event_ms"])
        self.interrupted = True


def _none_lost() -> dict[str, int]:
    return {"trimmed": 0, "disconnected": 0}


def _id(text: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = text.partition(b"-")
    return int(milliseconds), int(sequence or 0)
