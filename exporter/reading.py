"""This file knows what the replies about one queue mean, for every library and version."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from exporter import keys
from exporter.asks import META_FIELDS
from exporter.connection.wire import ReplyError
from exporter.keys import QueueName
from exporter.snapshot import QueueSnapshot

Answers = dict[str, Any]
"""The reply to each ask by its name; a refused ask has no entry, a failed one holds a ReplyError."""
KnownTimes = Callable[[QueueName, bytes], tuple[float | None, float | None]]
"""Ready and start of a job in epoch seconds, as far as events told."""

# BullMQ 3+ writes Number.MAX_SAFE_INTEGER into the limiter when a job asks for a rate limit by hand.
_MANUAL_LIMIT = 2**53 - 1
# What PTTL answers for a key that does not exist.
_NO_KEY = -2
_INTEGER = re.compile(rb"-?\d{1,19}")
# Clocks of workers and producers may run ahead a little; what lies further ahead is no time that passed.
_AHEAD_MAX_SECONDS = 3600.0


def integer(answers: Answers, name: str) -> int | None:
    """An integer reply, None when it is not to be had."""
    reply = answers.get(name)
    if isinstance(reply, int):
        return reply
    return int(reply) if isinstance(reply, bytes) and _INTEGER.fullmatch(reply) else None


def element(answers: Answers, name: str) -> bytes | None:
    """A bulk reply, None when there is none."""
    reply = answers.get(name)
    return reply if isinstance(reply, bytes) else None


def elements(answers: Answers, name: str) -> list[Any]:
    """An array reply, empty when there is none."""
    reply = answers.get(name)
    return reply if isinstance(reply, list) else []


def score(answers: Answers, name: str) -> float | None:
    """The score in a reply of one member WITH its score; None when there is none, or none that is finite."""
    reply = elements(answers, name)
    value = float(reply[1]) if len(reply) == 2 else math.inf
    return value if math.isfinite(value) else None


def meta(answers: Answers) -> dict[str, bytes]:
    """The known fields of the `meta` hash that are set."""
    if "meta_whole" in answers:
        flat = elements(answers, "meta_whole")
        found = dict(zip(flat[::2], flat[1::2], strict=False))
        return {field: found[field.encode()] for field in META_FIELDS if field.encode() in found}
    return {f: v for f, v in zip(META_FIELDS, elements(answers, "meta"), strict=False) if v is not None}


def library(answers: Answers, fields: dict[str, bytes]) -> tuple[str, str]:
    """The library that owns a queue, and its version where the queue tells it (section 9 of the data model)."""
    if (version := fields.get("version")) is not None:
        name, _, number = keys.label(version).partition(":")
        return ("bullmq" if name.startswith("bullmq") else name or "unknown"), number
    events_type, events_exist = answers.get("events_type"), answers.get("events_exist")
    if events_type in (b"stream", "stream") or events_exist == 1 or "opts.maxLenEvents" in fields:
        return "bullmq", ""
    return ("unknown" if events_type is None and events_exist is None else "bull"), ""


def snapshot(
    queue: QueueName,
    answers: Answers,
    *,
    oldest_waiting: float | None,
    oldest_active: float | None,
    active_unlocked: int | None,
) -> QueueSnapshot:
    """One queue's numbers from its replies; the three that need further questions are given."""
    fields = meta(answers)
    name, version = library(answers, fields)
    is_paused = _is_paused(answers, fields, name)
    waiting, paused, prioritized = _disjoint(answers, name, is_paused is True)
    next_due, next_run = score(answers, "delayed_first"), score(answers, "repeat_first")
    added = integer(answers, "id")
    jobs_max = _positive(fields.get("max"))
    window = _positive(fields.get("duration"))
    return QueueSnapshot(
        name=queue,
        waiting=waiting,
        paused=paused,
        prioritized=prioritized,
        active=integer(answers, "active"),
        delayed=integer(answers, "delayed"),
        waiting_children=integer(answers, "waiting_children"),
        completed=integer(answers, "completed"),
        failed=integer(answers, "failed"),
        is_paused=is_paused,
        is_rate_limited=_is_rate_limited(answers, jobs_max),
        added=added if added is not None and added >= 0 else None,
        oldest_waiting=oldest_waiting,
        oldest_active=oldest_active,
        next_delayed=None if next_due is None else _time(keys.due_seconds(next_due)),
        delayed_overdue=integer(answers, "delayed_overdue"),
        active_unlocked=active_unlocked,
        concurrency_limit=_positive(fields.get("concurrency")),
        rate_limit_jobs=jobs_max,
        rate_limit_window_seconds=None if window is None else window / 1000,
        schedulers=integer(answers, "repeat"),
        schedulers_overdue=integer(answers, "repeat_overdue"),
        scheduler_next_run=None if next_run is None else _time(next_run / 1000),
        library=name,
        version=version,
        exists=_exists(answers, fields),
    )


def plain_behind_prioritised(answers: Answers, name: str) -> int | None:
    """Where the oldest plain job of a list stands when prioritised ones are inside (Bull, BullMQ 1 to 3)."""
    inside, length = integer(answers, "priority"), integer(answers, name)
    return -(inside + 1) if inside and length and inside < length else None


def may_hide_marker(answers: Answers) -> bool:
    """Whether a marker may stand behind LIFO jobs, which pass it: BullMQ 2 and 3, where no version or 3 is told."""
    length = integer(answers, "wait")
    if length is None or length <= 2:
        return False
    name, version = library(answers, meta(answers))
    return name == "bullmq" and version.partition(".")[0] in ("", "2", "3")


def ready_seconds(job: list[bytes | None]) -> float | None:
    """When a waiting job became ready, from its `timestamp`, `delay` and `opts`; None for an absurd hash."""
    created, delay, options = job
    own = _own_delay_milliseconds(options)
    return epoch_seconds(created, _milliseconds(delay) or 0.0 if own is None else own)


def _own_delay_milliseconds(options: bytes | None) -> float | None:
    """The delay that the job was added with; a back-off inside the options has a `delay` of its own."""
    if b'"delay"' not in (options or b""):
        return None
    try:
        written = json.loads(options or b"")
        return float(written["delay"]) if isinstance(written, dict) and "delay" in written else None
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def epoch_seconds(milliseconds: bytes | None, plus_milliseconds: float = 0.0) -> float | None:
    """A time stamp of a job hash as epoch seconds; None when it is missing or no time between 2001 and 2286."""
    value = _milliseconds(milliseconds)
    return None if value is None or _time(value / 1000) is None else _time((value + plus_milliseconds) / 1000)


def past(seconds: float | None, now: float) -> float | None:
    """A time that has passed at `now`, both by clocks that differ a little; None when it is far ahead."""
    return None if seconds is None or seconds > now + _AHEAD_MAX_SECONDS else min(seconds, now)


def _time(seconds: float) -> float | None:
    return seconds if 1e9 <= seconds < 1e10 else None


def _milliseconds(text: bytes | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _disjoint(
    answers: Answers, library_name: str, is_paused: bool
) -> tuple[int | None, int | None, int | None]:
    """Waiting, paused and prioritised jobs, each counted once (section 1.4 of the data model).

    Prioritised jobs are a set of their own from BullMQ 4 on; before that they are inside the wait list as well.
    A paused queue's wait list is renamed `paused` up to BullMQ 5; BullMQ 6 leaves it in place and sets a flag.
    """
    inside = integer(answers, "priority") or 0
    own_set = integer(answers, "prioritized")
    wait, held = _listed(answers, "wait", library_name), _listed(answers, "paused", library_name)
    if wait is None or held is None:
        # One list can't be read (another type): the other is still known where nothing joins the two.
        return (wait, held, own_set) if not inside and not is_paused else (None, None, None)
    inside = min(inside, wait + held)
    inside_held = min(inside, held)
    waiting, paused = wait - (inside - inside_held), held - inside_held
    prioritized = None if own_set is None else own_set + inside
    return (0, paused + waiting, prioritized) if is_paused else (waiting, paused, prioritized)


def _listed(answers: Answers, name: str, library_name: str) -> int | None:
    """Jobs in one of the two wait lists; Bull knows no markers, and allows jobs that look like one."""
    length = integer(answers, name)
    return length if length is None or library_name == "bull" else length - _markers(answers, name)


def _markers(answers: Answers, name: str) -> int:
    """At most one marker stands in a list: at either end, or between plain and prioritised jobs."""
    return int(
        keys.is_marker(element(answers, f"{name}_next"))
        or keys.is_marker(element(answers, f"{name}_newest"))
        or answers.get(f"{name}_marker_inside", False)
    )


def _is_paused(answers: Answers, fields: dict[str, bytes], library_name: str) -> bool | None:
    """BullMQ tells it in `meta`, Bull also by the key `meta-paused`."""
    if "paused" in fields or answers.get("meta_paused") == 1:
        return True
    known = isinstance(answers.get("meta", answers.get("meta_whole")), list)
    return False if known or (answers.get("meta_paused") == 0 and library_name == "bull") else None


def _is_rate_limited(answers: Answers, jobs_max: int | None) -> bool | None:
    """Whether a limit holds jobs back now; None when only the workers know the maximum."""
    time_to_live, used = integer(answers, "limiter_ttl"), integer(answers, "limiter")
    if time_to_live == _NO_KEY:
        return False
    if time_to_live is None or "limiter" not in answers or isinstance(answers["limiter"], ReplyError):
        return None
    if time_to_live <= 0 or used is None:
        return False
    if used >= _MANUAL_LIMIT:
        return True
    return None if jobs_max is None else used >= jobs_max


def _positive(text: bytes | None) -> int | None:
    return value if text is not None and _INTEGER.fullmatch(text) and (value := int(text)) > 0 else None


def _exists(answers: Answers, fields: dict[str, bytes]) -> bool:
    counted = (
        "wait",
        "paused",
        "active",
        "prioritized",
        "delayed",
        "waiting_children",
        "completed",
        "failed",
        "repeat",
    )
    return (
        bool(fields)
        or answers.get("id") is not None
        or answers.get("meta_paused") == 1
        or answers.get("events_type") in (b"stream", "stream")
        or answers.get("events_exist") == 1
        or any(integer(answers, name) for name in ("any_key", *counted))
        or any(isinstance(reply, ReplyError) for reply in answers.values())
    )
