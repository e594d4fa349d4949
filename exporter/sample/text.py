"""This file knows how numbers, ages and names are written for a person at a terminal."""

import unicodedata

from exporter.keys import QueueName, label
from exporter.notices import one_line

UNKNOWN = "?"
ELLIPSIS = "…"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def number(value: int | None) -> str:
    """A count with thousands separators."""
    return UNKNOWN if value is None else f"{value:,}"


def age(seconds: float) -> str:
    """An age in the two largest units that matter: `<1s`, `45s`, `3m 20s`, `2h 5m`, `12d 3h`."""
    left = int(seconds)
    if left < 1:
        return "<1s"
    place = next(i for i, (size, _) in enumerate(_UNITS) if left >= size)
    parts = []
    for size, unit in _UNITS[place : place + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,}{unit}")
    return " ".join(parts)


def duration(seconds: float) -> str:
    """A short time as people write it: `5ms`, `1.5s`, `30m`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    return f"{seconds:g}s" if seconds < 60 else age(seconds)


def size(count: int) -> str:
    """Bytes in the largest unit that leaves a number of at least 1."""
    place = min(max(0, (count.bit_length() - 1) // 10), len(_BYTE_UNITS) - 1)
    return f"{count:,} B" if place == 0 else f"{count / 1024**place:,.1f} {_BYTE_UNITS[place]}"


def queue(name: QueueName, *, with_prefix: bool) -> str:
    """A queue's name with nothing in it that a terminal would act on."""
    return one_line(label(name.base if with_prefix else name.name))


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, columns: int) -> str:
    """The text in at most so many columns; what is left out is its middle, for ends tell names apart."""
    if width(text) <= columns:
        return text
    head = _taken(text, (columns - 1 + 1) // 2)
    tail = _taken(text[::-1], columns - 1 - width(head))[::-1]
    return head + ELLIPSIS + tail


def _taken(text: str, columns: int) -> str:
    """As much from the start as fits."""
    used = 0
    for place, char in enumerate(text):
        used += _columns(char)
        if used > columns:
            return text[:place]
    return text


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Filled with spaces to so many columns."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space
