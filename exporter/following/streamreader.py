"""This file knows how all event streams are read together: one XREAD a server, checked for losses on the way."""

import threading
import time
from collections.abc import Collection
from typing import Any

from exporter import keys
from exporter.asks import bulk
from exporter.connection.clock import TIME, ServerClock, Step
from exporter.connection.node_wire import UNREACHABLE
from exporter.connection.topology import Links
from exporter.connection.wire import ReplyError, Wire, WireError, pack
from exporter.events import milliseconds
from exporter.following.roster import Followed, Roster
from exporter.following.streams import BEGINNING, Stream, StreamInfo, just_before, stream_info

CHECK_SECONDS = 2.0
"""How often a stream that was read is compared with its XINFO."""
CHECK_ALL_SECONDS = 10.0
"""The same for streams that stand still: one may have been deleted and made anew with lower ids."""
COUNT_MAX = 1000
COUNT_CALM, COUNT_MIN = 100, 10
ENTRIES_CALM = 4000
"""About so many entries are asked for at once over all streams, unless few of them have many."""
REPLY_BYTES = 2**19
"""About the size a reply may have: entries carry return values of any size."""
NAMES_MAX = 5000
PRESSED_SHARE = 8
"""A stream is pressed when one poll brings more than this part (one in eight) of what it holds."""

Batch = tuple[Stream, list[Any]]


class StreamReader:
    """Reads the streams of a roster over the links of the follower."""

    def __init__(self, links: Links, roster: Roster) -> None:
        self._links = links
        self._roster = roster
        self._groups: list[_Group] = []
        self._version = -1
        self._count = self._calm_count = COUNT_CALM
        self._refused: Collection[str] = ()
        self._next_check = self._next_check_all = 0.0
        self._clocks: dict[str, ServerClock] = {}
        """By server: ids are times by the clock of the server that gave them."""
        self._now_ms: dict[int, int] = {}
        """By wire, what that clock said when its streams were read."""
        self._steps: dict[int, Step] = {}
        """By wire, the steps of that clock that were not told to the streams yet."""
        self._cannot_count: bool | None = None
        """Redis 6.2 can't count losses afterwards: a gap must be noticed before it is jumped over. None until a
        stream told."""

    def renew(self, refused: dict[str, str], *, is_wanted: bool = True) -> None:
        """The connections are new: compare every place before anything is read. Nothing is where it isn't wanted."""
        self._refused = refused.keys() if is_wanted else refused.keys() | {"xread", "xinfo|stream"}
        self._version = -1
        # What is wrong with a place may show only after the first read, so that is followed by a second look.
        self._next_check = self._next_check_all = 0.0
        self._cannot_count = None
        self._now_ms.clear()
        for followed in self._roster.followed.values():
            if followed.stream is not None and followed.stream.caught_up:
                followed.stream.interrupted = True

    def admit(
        self, newcomers: list[tuple[Followed, bool]], counting_began_ms: int, now_ms: int, deadline: float
    ) -> None:
        """Choose where reading begins in streams not followed before; each with whether its queue is new.

        One exchange a server. Raises WireError.
        """
        streams = [(followed.stream, is_new) for followed, is_new in newcomers if followed.stream is not None]
        if "xinfo|stream" in self._refused:
            for stream, is_new in streams:
                stream.move_to(BEGINNING if is_new else just_before(counting_began_ms))
            return
        by_wire: dict[int, list[tuple[Stream, bool]]] = {}
        for stream, is_new in streams:
            by_wire.setdefault(self._links.owner(stream.key), []).append((stream, is_new))
        for wire, group in by_wire.items():
            packed = b"".join(
                pack(("XINFO", "STREAM", stream.key))
                + pack(("HMGET", stream.queue.key(b"meta"), "opts.maxLenEvents"))
                for stream, _ in group
            )
            replies = self._links.wires[wire].exchange(packed, 2 * len(group), deadline)
            for (stream, is_new), reply, meta in zip(group, replies[::2], replies[1::2], strict=True):
                if isinstance(reply, ReplyError) and str(reply).startswith(UNREACHABLE):
                    raise WireError(str(reply))
                info = self._info(reply)
                is_whole = info.entries_added is None and _is_whole(info.length, meta)
                stream.admit(info, counting_began_ms, now_ms, is_new=is_new, is_whole=is_whole)

    def read(self, deadline: float) -> list[Batch]:
        """One XREAD over every stream; nothing is taken yet. Raises WireError."""
        if "xread" in self._refused:
            return []
        self._regroup()
        batches: list[Batch] = []
        received = sum(wire.bytes_received for wire in self._links.wires)
        checks = self._due_checks()
        for group in self._groups:
            batches += self._read_group(group, checks, deadline)
        self._adapt(sum(wire.bytes_received for wire in self._links.wires) - received, batches)
        return batches

    def take(self, batches: list[Batch]) -> bool:
        """Apply what was read; whether any stream holds more."""
        for stream, entries in batches:
            stream.at_end = len(entries) < self._last_count
        for stream, entries in self._take_steps(batches):
            if entries:
                stream.take(entries, self._now_ms.get(stream.wire))
        return not all(stream.at_end for stream, _ in batches)

    def _take_steps(self, batches: list[Batch]) -> list[Batch]:
        """Where a clock was set: apply what was written before, then move the times of open jobs; returns the rest."""
        if not self._steps:
            return batches
        rest = []
        for stream, entries in batches:
            step = self._steps.get(stream.wire)
            early = 0
            if step is not None and step.step_ms > 0:
                early = sum(milliseconds(entry_id) <= step.until_ms for entry_id, _ in entries)
            if early:
                stream.take(entries[:early])
            rest.append((stream, entries[early:]))
        for group in self._groups:
            if (step := self._steps.get(group.wire)) is not None:
                for stream in group.streams:
                    stream.lifecycle.clock_stepped(step.step_ms)
        self._steps.clear()
        return rest

    def is_pressed(self, batches: list[Batch]) -> bool:
        """Whether a stream turned over so much since the last poll that it may soon be trimmed before it is read."""
        return any(len(entries) * PRESSED_SHARE > stream.length > 0 for stream, entries in batches)

    def settle(self) -> None:
        """Tell every stream that gave no full batch that its end was reached."""
        for group in self._groups:
            for stream in group.streams:
                if stream.at_end:
                    stream.reached_end()

    def look_up_names(self, deadline: float, lock: threading.Lock) -> None:
        """One HGET for each job that started or ended without a known name."""
        wanted = [followed for followed in self._roster.followed.values() if _lacks_names(followed)]
        for followed in wanted:
            self._look_up(followed, deadline, lock)

    def _look_up(self, followed: Followed, deadline: float, lock: threading.Lock) -> None:
        lifecycle = followed.lifecycle
        ended = [record.job_id for record in lifecycle.nameless]
        job_ids = list(dict.fromkeys((*lifecycle.unnamed, *ended)))[:NAMES_MAX]
        lifecycle.unnamed.clear()
        names: dict[bytes, bytes | None] = {}
        if "hget" not in self._refused and job_ids:
            wire = self._links.wires[self._links.owner(followed.queue.base + b":")]
            packed = b"".join(pack(("HGET", followed.queue.key(job_id), "name")) for job_id in job_ids)
            replies = wire.exchange(packed, len(job_ids), deadline)
            names = {i: r if isinstance(r, bytes) else None for i, r in zip(job_ids, replies, strict=True)}
        with lock:
            lifecycle.name_jobs(names)

    def _due_checks(self) -> bool | None:
        """Which streams to compare now: all (True), those that were read (False) or none (None)."""
        now = time.monotonic()
        if now >= self._next_check_all:
            self._next_check_all = now + CHECK_ALL_SECONDS
            return True
        if now >= self._next_check:
            self._next_check = now + CHECK_SECONDS
            return False
        return None

    def _read_group(self, group: "_Group", checks: bool | None, deadline: float) -> list[Batch]:
        """XINFO stands before XREAD in one pipeline: so a gap is seen before the place jumps over it."""
        checked = [] if checks is None else [s for s in group.streams if checks or s.dirty]
        if "xinfo|stream" in self._refused:
            checked = []
        wire = self._links.wires[group.wire]
        packed = b"".join(pack(("XINFO", "STREAM", stream.key)) for stream in checked)
        self._last_count = self._count
        if checked and checks:
            # Places may move, so they must be settled before the read.
            self._check(checked, wire.exchange(packed, len(checked), deadline))
            packed, checked = b"", []
        *infos, reply = self._timed(group, packed, len(checked) + 1, deadline)
        self._check(checked, infos)
        for stream in group.streams:
            stream.at_end = not isinstance(reply, ReplyError)
        if isinstance(reply, ReplyError):
            self._refuse(group, reply, deadline)
            return []
        batches = [(group.by_key[key], entries) for key, entries in reply or ()]
        if self._cannot_count is not False and "xinfo|stream" not in self._refused:
            self._check_read([stream for stream, _ in batches if stream not in checked], wire, deadline)
        return batches

    def _timed(self, group: "_Group", packed: bytes, count: int, deadline: float) -> list[Any]:
        """TIME stands behind XREAD: no entry read can be later, unless the clock was set back."""
        wire, request = self._links.wires[group.wire], packed + group.request(self._count)
        if "time" in self._refused:
            return wire.exchange(request, count, deadline)
        asked = time.monotonic()
        *replies, told = wire.exchange(request + TIME, count + 1, deadline)
        if isinstance(told, list):
            self._now_ms[group.wire] = int(told[0]) * 1000 + int(told[1]) // 1000
            clock = self._clocks.setdefault(wire.address, ServerClock())
            if (step := clock.set(told, asked)) is not None:
                self._steps[group.wire] = step
        return replies

    def _check_read(self, streams: list[Stream], wire: Wire, deadline: float) -> None:
        """Look for gaps in front of what was read and not taken yet; only then are they still to be seen."""
        packed = b"".join(pack(("XINFO", "STREAM", stream.key)) for stream in streams)
        if streams:
            self._check(streams, wire.exchange(packed, len(streams), deadline))

    def _info(self, reply: Any) -> StreamInfo:
        info = stream_info(reply)
        if info.last_id is not None:
            self._cannot_count = bool(self._cannot_count) or info.entries_added is None
        return info

    def _check(self, streams: list[Stream], replies: list[Any]) -> None:
        for stream, reply in zip(streams, replies, strict=True):
            if isinstance(reply, ReplyError) and "no such key" not in str(reply):
                continue
            stream.check(self._info(reply))

    def _refuse(self, group: "_Group", error: ReplyError, deadline: float) -> None:
        """XREAD failed as a whole: find the key that is no stream, or that moved; anything else is fatal."""
        if str(error).startswith(("MOVED", "CROSSSLOT", "ASK")):
            self._links.refresh()
            self._version = -1
        elif str(error).startswith("WRONGTYPE"):
            wire = self._links.wires[group.wire]
            packed = b"".join(pack(("TYPE", stream.key)) for stream in group.streams)
            types = wire.exchange(packed, len(group.streams), deadline)
            for stream, kind in zip(group.streams, types, strict=True):
                if kind not in ("stream", b"stream", "none", b"none"):
                    self._roster.change_source(self._roster.followed[stream.queue], "none")
        elif not str(error).startswith(UNREACHABLE):
            raise WireError(f"XREAD: {error}")

    def _adapt(self, received: int, batches: list[Batch]) -> None:
        """Ask for fewer entries a stream when replies grow large, for more while they are small."""
        if received > REPLY_BYTES:
            self._count = max(1, self._count * REPLY_BYTES // received)
        elif not any(len(entries) == self._count for _, entries in batches):
            # Back to what is little even when all streams fill at once, as after a pause.
            self._count = min(self._count, max(self._calm_count, self._count // 2))
        elif received < REPLY_BYTES // 8:
            self._count = min(COUNT_MAX, self._count * 4)

    def _regroup(self) -> None:
        if self._version == self._roster.version:
            return
        self._version = self._roster.version
        groups: dict[tuple[int, int], list[Stream]] = {}
        for followed in self._roster.followed.values():
            if (stream := followed.stream) is not None:
                stream.wire = self._links.owner(stream.key)
                slot = keys.cluster_slot(stream.key) if len(self._links.wires) > 1 else 0
                groups.setdefault((stream.wire, slot), []).append(stream)
        self._groups = [_Group(wire, streams) for (wire, _), streams in groups.items()]
        self._calm_count = max(COUNT_MIN, min(COUNT_CALM, ENTRIES_CALM // max(1, len(self._roster.followed))))


class _Group:
    """Streams that one XREAD may name: on one server and, in a cluster, in one slot."""

    def __init__(self, wire: int, streams: list[Stream]) -> None:
        self.wire = wire
        self.streams = streams
        self.by_key = {stream.key: stream for stream in streams}
        self._keys = b"".join(bulk(stream.key) for stream in streams)

    def request(self, count: int) -> bytes:
        """`XREAD COUNT count STREAMS key… id…`."""
        words = 4 + 2 * len(self.streams)
        start = b"*%d\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n%b$7\r\nSTREAMS\r\n" % (words, bulk(b"%d" % count))
        return start + self._keys + b"".join([stream.packed_position for stream in self.streams])


def _lacks_names(followed: Followed) -> bool:
    return bool(followed.lifecycle.unnamed or followed.lifecycle.nameless)


def _is_whole(length: int, meta: Any) -> bool:
    """Redis 6.2 can't tell what was trimmed, but BullMQ trims no stream that is shorter than its maximum."""
    most = meta[0] if isinstance(meta, list) else None
    return isinstance(most, bytes) and most.isdigit() and length < int(most)
