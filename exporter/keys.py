"""This file knows the Redis keys of Bull and BullMQ, and how their versions differ.

Every key is `{prefix}:{queue}:{suffix}`; a job is the hash `{prefix}:{queue}:{job id}`.
Names are handled as bytes, as Redis holds them; `label` turns one into text for a page.
"""

import base64
import re
from collections.abc import Container
from dataclasses import dataclass

# Redis stores a delayed job under due_ms * 4096 + tie-breaker (Bull 3 to BullMQ 6).
DELAYED_SCORE_SHIFT = 4096

# A child folder of a queue may hold a user-chosen last part that reads `id` or `meta`:
# `{queue}:de:id` is a deduplication key, not the counter of a queue called `{queue}:de`.
NESTED_FOLDERS = (b":de", b":dn", b":repeat", b":limiter", b":metrics")


@dataclass(frozen=True, slots=True, order=True)
class QueueName:
    """A queue's identity: its prefix and its name, as bytes."""

    prefix: bytes
    name: bytes

    @property
    def base(self) -> bytes:
        """`{prefix}:{queue}`, the start of every key of the queue."""
        return self.prefix + b":" + self.name

    def key(self, suffix: bytes) -> bytes:
        """The full key for one suffix or one job id."""
        return self.prefix + b":" + self.name + b":" + suffix


# What a byte that is no UTF-8 is written as; a backslash that begins the same text in a name is written so itself.
_LOOKS_ESCAPED = re.compile(rb"\\(?=x(?:[89a-f][0-9a-f]|5c))")


def label(raw: bytes) -> str:
    """Text for a label, another one for every name: bytes that are no UTF-8 show as `\\xNN`.

    A name that holds such a text as it stands has its backslash shown as `\\x5c`; any other backslash stays.
    """
    if b"\\x" in raw:
        raw = _LOOKS_ESCAPED.sub(rb"\\x5c", raw)
    return raw.decode("utf-8", "backslashreplace")


def to_text(raw: bytes) -> str:
    """Bytes as a JSON string that `to_bytes` turns into the same bytes again."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that `to_text` was given."""
    return text.encode("utf-8", "surrogateescape")


def is_marker(element: bytes | None) -> bool:
    """Whether a wait-list element wakes workers rather than being a job (BullMQ 2: `0`; 3 and 4: `0:ms`)."""
    return element is not None and (element == b"0" or element.startswith(b"0:"))


def due_seconds(delayed_score: float) -> float:
    """The due time of a delayed job from its score."""
    return (int(delayed_score) // DELAYED_SCORE_SHIFT) / 1000


def overdue_max_score(now_ms: int) -> int:
    """The largest score in the delayed set that is due at `now_ms`."""
    return (now_ms + 1) * DELAYED_SCORE_SHIFT - 1


def scan_pattern(prefixes: tuple[bytes, ...]) -> bytes:
    """One MATCH pattern that meets the `meta` and `id` keys of every queue of the prefixes.

    SCAN walks the whole key space whatever it matches, so one pass for both keys halves the cost.
    """
    start = _escape_glob(prefixes[0]) if len(prefixes) == 1 else b"*"
    return start + b":*:[im][de]*"


def subscription(prefix: bytes) -> bytes:
    """The PSUBSCRIBE pattern for all channels of a prefix."""
    return _escape_glob(prefix) + b":*"


def subscriptions(prefixes: tuple[bytes, ...]) -> list[bytes]:
    """The PSUBSCRIBE patterns for all channels of the prefixes; what two of them met would be heard twice."""
    widest = [p for p in prefixes if not any(p.startswith(other + b":") for other in prefixes)]
    return [subscription(prefix) for prefix in widest]


def queue_of_key(key: bytes, prefixes: tuple[bytes, ...]) -> tuple[QueueName, bytes] | None:
    """The queue that a `…:meta` or `…:id` key belongs to, with that suffix; None for other keys.

    Names may hold `:`, so the known prefix and the last part are cut off; nothing is split.
    """
    head, _, suffix = key.rpartition(b":")
    if suffix not in (b"meta", b"id"):
        return None
    queue = queue_of_base(head, prefixes)
    return (queue, suffix) if queue is not None and not queue.name.startswith(b":relay:") else None


def queue_of_base(base: bytes, prefixes: tuple[bytes, ...]) -> QueueName | None:
    """The queue whose keys begin `base`; where one prefix begins another (`a`, `a:b`), the longer one has it."""
    fitting = [
        prefix for prefix in prefixes if base.startswith(prefix + b":") and len(base) > len(prefix) + 1
    ]
    prefix = max(fitting, key=len, default=None)
    return None if prefix is None else QueueName(prefix, base[len(prefix) + 1 :])


def is_nested(name: QueueName, known: Container[QueueName]) -> bool:
    """Whether a candidate is only a sub-folder (`de`, `repeat`, …) of a queue that is known."""
    for folder in NESTED_FOLDERS:
        if name.name.endswith(folder) and QueueName(name.prefix, name.name[: -len(folder)]) in known:
            return True
    return False


def client_name(name: QueueName) -> bytes:
    """How Node libraries name the connections of a queue: `{prefix}:{base64 of the name}`."""
    return name.prefix + b":" + base64.b64encode(name.name)


def cluster_slot(key: bytes) -> int:
    """The Redis Cluster slot of a key, by its hash tag where it has one (Redis Cluster specification)."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return _crc16(key) % 16384


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
    return crc & 0xFFFF


def _escape_glob(text: bytes) -> bytes:
    return b"".join(b"\\" + bytes([char]) if char in b"[]*?\\" else bytes([char]) for char in text)
