"""This file knows which commands are asked of every queue on a scrape, and packs them once per queue."""

from dataclasses import dataclass

from exporter.keys import QueueName
from exporter.wire import pack

META_FIELDS = ("paused", "concurrency", "max", "duration", "version", "opts.maxLenEvents")
ACTIVE_MAX = 1000
"""Active jobs looked at per queue, oldest first, for ages and locks."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One command about one key of a queue; `{overdue}` and `{late}` are filled in at the scrape."""

    name: str
    command: str
    suffix: str
    arguments: tuple[str, ...] = ()
    late_argument: str = ""


ASKS = (
    Ask("wait", "LLEN", "wait"),
    Ask("wait_next", "LINDEX", "wait", ("-1",)),
    Ask("wait_newest", "LINDEX", "wait", ("0",)),
    Ask("paused", "LLEN", "paused"),
    Ask("paused_next", "LINDEX", "paused", ("-1",)),
    Ask("paused_newest", "LINDEX", "paused", ("0",)),
    Ask("active", "LLEN", "active"),
    Ask("active_ids", "LRANGE", "active", (f"-{ACTIVE_MAX}", "-1")),
    Ask("prioritized", "ZCARD", "prioritized"),
    Ask("prioritized_first", "ZRANGE", "prioritized", ("0", "0")),
    Ask("prioritized_last", "ZRANGE", "prioritized", ("-1", "-1", "WITHSCORES")),
    Ask("priority", "ZCARD", "priority"),
    Ask("delayed", "ZCARD", "delayed"),
    Ask("delayed_first", "ZRANGE", "delayed", ("0", "0", "WITHSCORES")),
    Ask("delayed_overdue", "ZCOUNT", "delayed", ("-inf",), "overdue"),
    Ask("waiting_children", "ZCARD", "waiting-children"),
    Ask("completed", "ZCARD", "completed"),
    Ask("failed", "ZCARD", "failed"),
    Ask("meta", "HMGET", "meta", META_FIELDS),
    Ask("meta_paused", "EXISTS", "meta-paused"),
    Ask("id", "GET", "id"),
    Ask("limiter", "GET", "limiter"),
    Ask("limiter_ttl", "PTTL", "limiter"),
    Ask("repeat", "ZCARD", "repeat"),
    Ask("repeat_first", "ZRANGE", "repeat", ("0", "0", "WITHSCORES")),
    Ask("repeat_overdue", "ZCOUNT", "repeat", ("-inf",), "late"),
    Ask("events_type", "TYPE", "events"),
)
_EVENTS_EXIST = Ask("events_exist", "EXISTS", "events")
# Without HMGET (least rights) the flags are read whole; `meta` is small unless a Bull job took that id.
_META_WHOLE = Ask("meta_whole", "HGETALL", "meta")


def allowed_asks(refused: set[str]) -> tuple[Ask, ...]:
    """The asks that this user may run."""
    asks = [ask for ask in ASKS if ask.command.lower() not in refused]
    if "hmget" in refused and "hgetall" not in refused:
        asks.append(_META_WHOLE)
    if "type" in refused and "exists" not in refused:
        asks.append(_EVENTS_EXIST)
    return tuple(asks)


class QueueRequest:
    """The commands of one queue, packed once; only the arguments that are times are added at a scrape."""

    __slots__ = ("_parts",)

    def __init__(self, queue: QueueName, asks: tuple[Ask, ...]) -> None:
        parts: list[bytes | str] = []
        fixed = b""
        for ask in asks:
            if ask.late_argument:
                parts += [fixed + _open_command(queue, ask), ask.late_argument]
                fixed = b""
            else:
                fixed += pack((ask.command, queue.key(ask.suffix.encode()), *ask.arguments))
        self._parts = (*parts, fixed)

    def packed(self, late_arguments: dict[str, bytes], into: list[bytes]) -> None:
        """Append this queue's request; `late_arguments` are packed bulk strings by name."""
        for part in self._parts:
            into.append(part if isinstance(part, bytes) else late_arguments[part])


def bulk(text: bytes) -> bytes:
    """One argument in RESP."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _open_command(queue: QueueName, ask: Ask) -> bytes:
    """A command whose last argument is still to come."""
    words = (ask.command.encode(), queue.key(ask.suffix.encode()), *(text.encode() for text in ask.arguments))
    return b"*%d\r\n" % (len(words) + 1) + b"".join(bulk(word) for word in words)
