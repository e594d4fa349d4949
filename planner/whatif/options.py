"""Knows how the changes of a what-if question are written on the command line. Raises BadInput, one line."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

from planner.errors import BadInput
from planner.file.durations import seconds
from planner.file.settings import Setting, read_setting, read_values
from planner.whatif import changes
from planner.whatif.changes import Changed
from planner.whatif.scenario import Axis

Number = Callable[[Any], bool]


def settings(options: argparse.Namespace) -> list[Setting]:
    return [read_setting(text) for text in options.set]


def axes(options: argparse.Namespace) -> list[Axis]:
    """The changes that were asked for, in the order in which they are made."""
    found = [_load(options.load), _contracts(options.contracts), _moved(options.moved)]
    found += [_cache(text, options.keys) for text in options.cache]
    found += [_batch(text, options.batch_fixed) for text in options.batch]
    found += [_compressed(text, options.payload) for text in options.compressed]
    return [axis for axis in [*found, _lost(options.lost_workers)] if axis is not None]


def _load(text: str) -> Axis | None:
    factors = _numbers("--load", text, lambda n: 0 < n < math.inf, "factors above 0, such as 1,2,3")
    if factors == (1.0,):
        return None
    return Axis("load", factors, _multiplied)


def _multiplied(changed: Changed, factor: float) -> Changed:
    return changes.Changed(changes.multiplied(changed.file, factor), changed.facts)


def _contracts(text: str | None) -> Axis | None:
    """The first number is what the file's load belongs to; the load grows as the contracts do."""
    if text is None:
        return None
    counts = read_values(f"--contracts {text}", text)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in counts):
        raise BadInput(f"--contracts {text}: write whole numbers above 0, today's first, such as 75,150,500")
    first = counts[0]
    return Axis("contracts", counts, lambda changed, count: _multiplied(changed, count / first))


def _moved(text: str | None) -> Axis | None:
    if text is None:
        return None
    shares = _numbers("--moved", text, lambda n: 0 <= n <= 1, "shares from 0 to 1, such as 0,0.5,1")
    return Axis("moved", shares, changes.moved)


def _lost(text: str | None) -> Axis | None:
    if text is None:
        return None
    counts = read_values(f"--lost-workers {text}", text)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in counts):
        raise BadInput(f"--lost-workers {text}: write whole numbers from 0 on, such as 0,1")
    return Axis("lost workers", counts, changes.without_workers)


def _cache(text: str, keys: int | None) -> Axis:
    name, written = _pair("--cache", text, "email=60s,300s,3600s")
    if keys is None:
        raise BadInput(f"--cache {text}: say with --keys N how many different answers there are")
    if keys > 10_000_000:
        raise BadInput(f"--keys {keys}: at most 10000000")
    times = tuple(written.split(","))
    if not all(0 < _duration("--cache", text, part) < math.inf for part in times):
        raise BadInput(f"--cache {text}: write durations above 0, such as 60s,300s,3600s")
    return Axis(f"{name} cached", times, lambda c, ttl: changes.cached(c, name, seconds(ttl), keys))


def _batch(text: str, fixed: str) -> Axis:
    name, written = _pair("--batch", text, "email=1..100:33")
    sizes = read_values(f"--batch {text}", written)
    if not all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 10_000 for n in sizes):
        raise BadInput(f"--batch {text}: write whole numbers from 1 to 10000, such as 1,10,100")
    once = _duration("--batch-fixed", fixed, fixed)
    return Axis(f"{name} batch", sizes, lambda c, items: changes.gathered(c, name, items, once))


def _compressed(text: str, payload: str | None) -> Axis:
    name, written = _pair("--compressed", text, "email=1,0.4")
    ratios = _numbers("--compressed", written, lambda n: 0 < n <= 1, "shares above 0 up to 1, such as 1,0.4")
    size = None if payload is None else read_bytes(payload)
    return Axis(f"{name} compressed to", ratios, lambda c, ratio: changes.compressed(c, name, ratio, size))


def read_bytes(text: str) -> float:
    """`2000`, `20KB`, `1MB`, `20KiB`, `1MiB`."""
    number = text.strip()
    for unit, factor in (("KiB", 1024), ("MiB", 1024**2), ("KB", 1000), ("MB", 1_000_000), ("B", 1), ("", 1)):
        if number.endswith(unit):
            try:
                found = float(number.removesuffix(unit)) * factor
            except ValueError:
                break
            if 0 < found < math.inf:
                return found
            break
    raise BadInput(f"--payload {text}: write a size above 0, such as 2000, 20KB or 1MiB")


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    name, equals, written = text.partition("=")
    if not equals or not name or not written:
        raise BadInput(f"{option} {text}: write QUEUE=VALUES, such as {example}")
    return name, written


def _duration(option: str, text: str, part: str) -> float:
    try:
        return seconds(part)
    except BadInput as error:
        raise BadInput(f"{option} {text}: {error}") from None


def _numbers(option: str, text: str, fits: Number, wanted: str) -> tuple[float, ...]:
    try:
        found: Sequence[float] = [float(part) for part in text.split(",")]
    except ValueError:
        found = ()
    if not found or not all(fits(number) for number in found):
        raise BadInput(f"{option} {text}: write {wanted}")
    return tuple(found)
