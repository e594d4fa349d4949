"""This file knows which commands are asked of every queue on a scrape, and packs them once per queue."""

from dataclasses import dataclass

from exporter.connection.wire import pack
from exporter.groups import AGES, CONNECTIONS, LIMITS, OF_QUEUES, SIZES, TOTALS, Choice, Group
from exporter.keys import QueueName

META_FIELDS = ("paused", "concurrency", "max", "duration", "version", "opts.maxLenEvents")
ACTIVE_MAX = 1000
"""Active jobs looked at per queue, oldest first, for ages and locks."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One command about a queue, and the groups that use its answer; a late argument is filled in at the scrape."""

    groups: tuple[Group, ...]
    name: str
    command: str
    suffix: str
    arguments: tuple[str, ...] = ()
    late_argument: str = ""
    further_suffixes: tuple[str, ...] = ()
    """Where the command takes several keys."""


_NAMED = (SIZES, CONNECTIONS)
"""Whose connections are a worker's, and what is no job in a list, depends on the library."""

ASKS = (
    Ask((SIZES, AGES), "wait", "LLEN", "wait"),
    Ask((SIZES, AGES), "wait_next", "LINDEX", "wait", ("-1",)),
    Ask((SIZES,), "wait_newest", "LINDEX", "wait", ("0",)),
    Ask((SIZES, AGES), "paused", "LLEN", "paused"),
    Ask((SIZES, AGES), "paused_next", "LINDEX", "paused", ("-1",)),
    Ask((SIZES,), "paused_newest", "LINDEX", "paused", ("0",)),
    Ask((SIZES,), "active", "LLEN", "active"),
    Ask((AGES,), "active_ids", "LRANGE", "active", (f"-{ACTIVE_MAX}", "-1")),
    Ask((SIZES,), "prioritized", "ZCARD", "prioritized"),
    Ask((AGES,), "prioritized_first", "ZRANGE", "prioritized", ("0", "0")),
    Ask((AGES,), "prioritized_last", "ZRANGE", "prioritized", ("-1", "-1", "WITHSCORES")),
    Ask((SIZES, AGES), "priority", "ZCARD", "priority"),
    Ask((SIZES,), "delayed", "ZCARD", "delayed"),
    Ask((AGES,), "delayed_first", "ZRANGE", "delayed", ("0", "0", "WITHSCORES")),
    Ask((AGES,), "delayed_overdue", "ZCOUNT", "delayed", ("-inf",), "overdue"),
    Ask((SIZES,), "waiting_children", "ZCARD", "waiting-children"),
    Ask((SIZES,), "completed", "ZCARD", "completed"),
    Ask((SIZES,), "failed", "ZCARD", "failed"),
    Ask((*_NAMED, LIMITS), "meta", "HMGET", "meta", META_FIELDS),
    Ask((SIZES,), "meta_paused", "EXISTS", "meta-paused"),
    Ask((TOTALS,), "id", "GET", "id"),
    Ask((LIMITS,), "limiter", "GET", "limiter"),
    Ask((LIMITS,), "limiter_ttl", "PTTL", "limiter"),
    Ask((AGES,), "repeat", "ZCARD", "repeat"),
    Ask((AGES,), "repeat_first", "ZRANGE", "repeat", ("0", "0", "WITHSCORES")),
    Ask((AGES,), "repeat_overdue", "ZCOUNT", "repeat", ("-inf",), "late"),
    Ask(_NAMED, "events_type", "TYPE", "events"),
)
_EVENTS_EXIST = Ask(_NAMED, "events_exist", "EXISTS", "events")
# Without HMGET (least rights) the flags are read whole; `meta` is small unless a Bull job took that id.
_META_WHOLE = Ask((*_NAMED, LIMITS), "meta_whole", "HGETALL", "meta")
_OF_ALL_KEYS: Choice = frozenset((SIZES, AGES, TOTALS))
"""Together these ask of every key that shows a queue to be there."""
_ANY_KEY = Ask(
    tuple(OF_QUEUES),
    "any_key",
    "EXISTS",
    "id",
    further_suffixes=tuple(dict.fromkeys(ask.suffix for ask in ASKS if ask.suffix not in ("id", "limiter"))),
)


def asks_for(wanted: Choice, refused: set[str]) -> tuple[Ask, ...]:
    """The asks that these groups need and that this user may run."""
    also: list[Ask] = []
    if not wanted >= _OF_ALL_KEYS:
        if "exists" in refused:
            wanted |= _OF_ALL_KEYS
        else:
            also.append(_ANY_KEY)
    if "hmget" in refused and "hgetall" not in refused:
        also.append(_META_WHOLE)
    if "type" in refused and "exists" not in refused:
        also.append(_EVENTS_EXIST)
    asks = [ask for ask in ASKS if ask.command.lower() not in refused]
    return tuple(ask for ask in (*asks, *also) if not wanted.isdisjoint(ask.groups))


class Questionnaire:
    """What every queue is asked for one choice of groups; the commands of each queue are packed once and kept."""

    def __init__(self, wanted: Choice, refused: set[str]) -> None:
        self._asks = asks_for(wanted, refused)
        self.names = [ask.name for ask in self._asks]
        """Of the replies, in their order."""
        self._requests: dict[QueueName, QueueRequest] = {}

    def request(self, queue: QueueName) -> "QueueRequest":
        request = self._requests.get(queue)
        if request is None:
            request = self._requests[queue] = QueueRequest(queue, self._asks)
        return request

    def forget(self, queue: QueueName) -> None:
        self._requests.pop(queue, None)


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
                fixed += pack((*_words(queue, ask), *ask.arguments))
        self._parts = (*parts, fixed)

    def packed(self, late_arguments: dict[str, bytes], into: list[bytes]) -> None:
        """Append this queue's request; `late_arguments` are packed bulk strings by name."""
        for part in self._parts:
            into.append(part if isinstance(part, bytes) else late_arguments[part])


def bulk(text: bytes) -> bytes:
    """One argument in RESP."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _words(queue: QueueName, ask: Ask) -> tuple[str | bytes, ...]:
    """The command and its keys."""
    return (ask.command, *(queue.key(suffix.encode()) for suffix in (ask.suffix, *ask.further_suffixes)))


def _open_command(queue: QueueName, ask: Ask) -> bytes:
    """A command whose last argument is still to come."""
    words = (ask.command.encode(), queue.key(ask.suffix.encode()), *(text.encode() for text in ask.arguments))
    return b"*%d\r\n" % (len(words) + 1) + b"".join(bulk(word) for word in words)
