"""This file knows whether the event streams are long enough for the traffic that they have seen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.connection.topology import Links
from exporter.connection.wire import pack
from exporter.doctor_findings import Finding, Verdict
from exporter.following.streams import StreamInfo, stream_info
from exporter.keys import QueueName, label
from exporter.notices import one_line
from exporter.sample.text import age

NEEDED_SECONDS = 2.0
"""The exporter reads every 0.1 s, every 0.5 s where there are a thousand queues; a connection that broke takes as long
again (following/follower.py), a busy machine longer: a stream that holds less loses events without other trouble."""
RESTART_SECONDS = 60.0
"""An exporter that is moved to another machine is away for about so long; with a state file it then reads on."""


@dataclass(frozen=True, slots=True)
class StreamSpan:
    """What the stream of one queue held at one moment."""

    queue: QueueName
    info: StreamInfo
    entries_max: int | None
    """`maxLenEvents` as the library wrote it; None where it did not."""

    @property
    def seconds(self) -> float | None:
        """From its oldest entry to its newest; None when it holds none."""
        if self.info.first_id is None or self.info.last_id is None:
            return None
        return (_milliseconds(self.info.last_id) - _milliseconds(self.info.first_id)) / 1000

    @property
    def was_trimmed(self) -> bool:
        """Whether entries have been dropped; before Redis 7 a stream that is full is taken as trimmed."""
        if self.info.entries_added is not None:
            return self.info.entries_added > self.info.length
        return self.entries_max is not None and self.info.length >= self.entries_max


def read_spans(links: Links, queues: Iterable[QueueName], deadline: float) -> list[StreamSpan]:
    """The streams of BullMQ queues; those that may not be read, or are not there, are left out. Raises WireError."""
    found = []
    for queue in queues:
        wire = links.wires[links.owner(queue.base + b":")]
        request = pack(("XINFO", "STREAM", queue.key(b"events"))) + pack(
            ("HMGET", queue.key(b"meta"), "opts.maxLenEvents")
        )
        info, meta = wire.exchange(request, 2, deadline)
        if isinstance(info, list):
            found.append(StreamSpan(queue, stream_info(info), _entries_max(meta)))
    return found


def of_streams(spans: list[StreamSpan]) -> Iterator[Finding]:
    """One finding for each stream that is too short, and one for all that are long enough."""
    enough = 0
    shortest: tuple[float, StreamSpan] | None = None
    for span in spans:
        finding = _judge(span)
        if finding is not None:
            yield finding
            continue
        enough += 1
        seconds = span.seconds
        if span.was_trimmed and seconds is not None and (shortest is None or seconds < shortest[0]):
            shortest = (seconds, span)
    if not enough:
        return
    least = "nothing was trimmed yet"
    if shortest is not None:
        least = f"the shortest holds {age(shortest[0])} of its traffic: {_name(shortest[1])}"
    yield Finding(Verdict.OK, f"{enough:,} event streams are long enough; {least}")


def _judge(span: StreamSpan) -> Finding | None:
    seconds = span.seconds
    if seconds is None:
        return _empty(span)
    if not span.was_trimmed or seconds >= RESTART_SECONDS:
        return None
    rate = span.info.length / max(seconds, 0.001)
    advice = (
        f"make it longer where the queue is made: streams: {{events: {{maxLen: {_wanted(rate):,}}}}}".replace(
            ",", ""
        )
    )
    held = f"{_name(span)}: its stream holds {span.info.length:,} events, {_short(seconds)} of its traffic"
    if seconds < NEEDED_SECONDS:
        return Finding(Verdict.FAILED, f"{held}: events will be lost before they are read", advice)
    return Finding(Verdict.WARNING, f"{held}: an exporter that is away for longer loses events", advice)


def _empty(span: StreamSpan) -> Finding | None:
    """Nothing in it: either nothing was ever written, or nothing is kept."""
    if span.info.last_id in (None, b"0-0"):
        return None
    what = f"{_name(span)}: its stream keeps no event, so there are no durations, waits or outcomes"
    return Finding(
        Verdict.FAILED, what, "give it a length where the queue is made: streams: {events: {maxLen: 10000}}"
    )


def _wanted(entries_per_second: float) -> int:
    """Entries for RESTART_SECONDS at this rate, in round numbers."""
    wanted = int(entries_per_second * RESTART_SECONDS)
    size: int = 10 ** max(3, len(str(wanted)) - 1)
    return -(-wanted // size) * size


def _short(seconds: float) -> str:
    return age(seconds) if seconds >= 10 else f"{seconds:.1f} s"


def _entries_max(meta: Any) -> int | None:
    text = meta[0] if isinstance(meta, list) and meta else None
    return int(text) if isinstance(text, bytes) and text.isdigit() else None


def _milliseconds(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _name(span: StreamSpan) -> str:
    return one_line(label(span.queue.base))
