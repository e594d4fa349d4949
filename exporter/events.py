"""This file knows what one entry of a BullMQ stream, or one Bull pub/sub message, says about one job.

Sources: stream `{prefix}:{queue}:events` (BullMQ 1 to 6), channels `{prefix}:{queue}:{event}[@token]` (Bull 3, 4).
"""

from typing import Any, NamedTuple


class JobEvent(NamedTuple):
    """One thing that happened to one job. A tuple, since tens of thousands a second are made."""

    kind: bytes
    job_id: bytes
    at_ms: float
    """Server clock (stream entry id), or receive time for pub/sub."""
    prev: bytes | None = None
    detail: bytes | None = None
    """`added`: the job's name; `delayed`: the due time in ms; `failed`: the reason."""


_DETAIL_FIELD = {b"added": b"name", b"delayed": b"delay", b"failed": b"failedReason"}


def milliseconds(entry_id: bytes) -> int:
    """The server's time in the id of a stream entry, `{ms}-{sequence}`."""
    # Thirteen digits from 2001 to 2286; slicing is much faster than splitting.
    return int(entry_id[:13] if entry_id[13:14] == b"-" else entry_id.partition(b"-")[0])


def frequent_kind(fields: list[bytes]) -> bytes | None:
    """The kind of the four entries of a plain job as all libraries write them, None for every other entry.

    Nearly all entries are these; the job id is `fields[3]`, and the name of an `added` one `fields[5]`.
    """
    if fields[0] != b"event" or fields[2] != b"jobId":
        return None
    kind = fields[1]
    if kind == b"active" or kind == b"completed":
        return kind
    if kind == b"waiting":
        return kind if len(fields) == 4 else None
    return kind if kind == b"added" and len(fields) == 6 and fields[4] == b"name" else None


def from_stream(entry: list[Any]) -> JobEvent | None:
    """The event of one stream entry `[id, [field, value, …]]`; None when it names no job (`drained`, …)."""
    entry_id, fields = entry
    at_ms = milliseconds(entry_id)
    # All libraries write `event` and `jobId` first.
    if len(fields) >= 4 and fields[0] == b"event" and fields[2] == b"jobId":
        kind = fields[1]
        if len(fields) == 4:
            return JobEvent(kind, fields[3], at_ms)
        if kind == b"added" and fields[4] == b"name":
            return JobEvent(kind, fields[3], at_ms, None, fields[5])
    values = dict(zip(fields[::2], fields[1::2], strict=False))
    kind, job_id = values.get(b"event"), values.get(b"jobId")
    if kind is None or job_id is None:
        return None
    detail = _DETAIL_FIELD.get(kind)
    return JobEvent(kind, job_id, at_ms, values.get(b"prev"), values.get(detail) if detail else None)


class Message(NamedTuple):
    """One pub/sub message of a Bull queue: the `{prefix}:{queue}` it belongs to, its kind and its payload."""

    base: bytes
    kind: bytes
    payload: bytes


# `active@token`, `waiting@token`, `stalled@`; the others stand bare.
_BULL_KINDS = frozenset((b"waiting", b"active", b"completed", b"failed", b"delayed", b"stalled"))


def from_channel(channel: bytes, payload: bytes) -> Message | None:
    """The message of one channel; None for channels that say nothing about a job's life."""
    base, _, last = channel.rpartition(b":")
    kind = last.partition(b"@")[0]
    if not base or kind not in _BULL_KINDS:
        return None
    return Message(base, kind, payload)
