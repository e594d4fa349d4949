"""This file knows the report's targets and whether each is met now, missed, or can't be known and why."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dashboard import amounts
from dashboard.capacity import Capacity
from dashboard.queue_now import QueueNow
from dashboard.redis_now import RedisNow
from dashboard.webhooks import Webhooks
from planner.file.claims import ClaimsWords

JOBS_PER_HOUR = 10_000.0
LOAD_TEST = 2.0
GROWTH = 500 / 75
CACHE_HITS = 0.85
COMMAND_SECONDS = 0.005
WEBHOOK_SECONDS = 1.0

Verdict = Literal["met", "missed", "can't be known"]


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the scorecard: what is wanted, what is, and why that is so."""

    wanted: str
    found: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the targets are held against; `processed_ratio` and `peak_per_hour` are of the whole range."""

    queues: tuple[QueueNow, ...]
    capacity: Capacity
    redis: RedisNow
    claims: ClaimsWords
    processed_ratio: float | None
    peak_per_hour: float | None
    range_name: str
    webhooks: tuple[Webhooks, ...] = ()


def scorecard(seen: Seen) -> tuple[Target, ...]:
    """All targets, in the report's order."""
    judges: tuple[Callable[[Seen], Iterator[Target]], ...] = (
        _throughput,
        _latency,
        _webhooks,
        _load_test,
        _growth,
        _processed,
        _connections,
        _commands,
        _caches,
        _elsewhere,
    )
    return tuple(target for judge in judges for target in judge(seen))


def _met(holds: bool) -> Verdict:
    return "met" if holds else "missed"


def _throughput(seen: Seen) -> Iterator[Target]:
    wanted = f"{JOBS_PER_HOUR:,.0f} jobs an hour"
    done, most = seen.capacity.finished_per_hour, seen.capacity.sustainable_per_hour
    if done is None:
        yield Target(wanted, amounts.NOTHING, "can't be known", "no finished jobs are counted yet")
    elif done >= JOBS_PER_HOUR:
        yield Target(wanted, amounts.per_hour(done), "met", "that many are finished now")
    elif most is None:
        why = f"only {amounts.per_hour(done)} came; {seen.capacity.why or 'the ceiling is not known'}"
        yield Target(wanted, amounts.per_hour(done), "can't be known", why)
    else:
        bound = "at least " if seen.capacity.is_lower_bound else ""
        why = f"fewer come; {bound}{amounts.per_hour(most)} could be done by this mix"
        yield Target(wanted, amounts.per_hour(most), _met(most >= JOBS_PER_HOUR), why)


def _latency(seen: Seen) -> Iterator[Target]:
    bound = seen.claims.mean_latency
    wanted = f"average wait below {amounts.seconds(bound)}"
    count = sum(queue.waits.get(float("inf"), 0.0) for queue in seen.queues)
    total = sum(queue.wait_sum_seconds or 0.0 for queue in seen.queues)
    if not count:
        yield Target(
            wanted, amounts.NOTHING, "can't be known", "no job was started lately, or events are not followed"
        )
        return
    mean = total / count
    late = [queue for queue in seen.queues if (queue.wait_mean_seconds or 0.0) >= bound]
    worst = max(late, key=lambda queue: queue.wait_mean_seconds or 0.0, default=None)
    why = "from ready to first start, all queues together"
    if worst is not None:
        why += f"; {worst.name} alone {amounts.seconds(worst.wait_mean_seconds)}"
    yield Target(wanted, amounts.seconds(mean), _met(mean < bound), why)


def _webhooks(seen: Seen) -> Iterator[Target]:
    wanted = f"webhooks within {amounts.seconds(WEBHOOK_SECONDS)}"
    if not seen.webhooks:
        why = "no queue and no job type is called webhook"
        yield Target(wanted, amounts.NOTHING, "can't be known", why)
        return
    known = [(seconds, one.name) for one in seen.webhooks if (seconds := one.seconds) is not None]
    if not known:
        yield Target(wanted, amounts.NOTHING, "can't be known", "no webhook was worked on lately")
        return
    worst, name = max(known)
    why = f"{name}: 95th percentile of the wait in its queue, and mean work"
    yield Target(wanted, amounts.seconds(worst), _met(worst < WEBHOOK_SECONDS), why)


def _load_test(seen: Seen) -> Iterator[Target]:
    wanted = f"{LOAD_TEST:g} times the peak is carried"
    most, peak = seen.capacity.sustainable_per_hour, seen.peak_per_hour
    if most is None or not peak:
        why = seen.capacity.why or "no finished jobs in this range"
        yield Target(wanted, amounts.NOTHING, "can't be known", why)
        return
    times = most / peak
    why = f"peak of {seen.range_name}: {amounts.per_hour(peak)}; ceiling by the mix of now: {amounts.per_hour(most)}"
    yield Target(wanted, f"{amounts.times(times)} times", _met(times >= LOAD_TEST), why)


def _growth(seen: Seen) -> Iterator[Target]:
    wanted = "75 contracts can become 500"
    used = seen.capacity.used
    if not used:
        yield Target(wanted, amounts.NOTHING, "can't be known", seen.capacity.why or "no load now")
        return
    why = f"jobs grow {GROWTH:.1f} times if they grow as contracts do; {_first(seen.capacity)}"
    yield Target(wanted, f"{amounts.times(1 / used)} times", _met(1 / used >= GROWTH), why)


def _first(capacity: Capacity) -> str:
    return f"{capacity.first.name} is the first to give way" if capacity.first else "nobody gives way"


def _processed(seen: Seen) -> Iterator[Target]:
    wanted = f"{amounts.share(seen.claims.processed)} of jobs processed"
    if seen.processed_ratio is None:
        yield Target(wanted, amounts.NOTHING, "can't be known", "no finished jobs in this range")
        return
    budget = 1 - seen.claims.processed
    why = f"final failures over finished jobs of {seen.range_name}: {amounts.share(1 - seen.processed_ratio)}"
    why += f", {amounts.times((1 - seen.processed_ratio) / budget)} times the budget" if budget else ""
    found = f"{100 * seen.processed_ratio:.4g} %"
    yield Target(wanted, found, _met(seen.processed_ratio >= seen.claims.processed), why)


def _connections(seen: Seen) -> Iterator[Target]:
    low, high = seen.claims.pool_utilisation
    wanted = f"{low:.0%} to {high:.0%} of connections in use"
    fullest = seen.redis.fullest
    if fullest is None:
        yield Target(
            wanted, amounts.NOTHING, "can't be known", "the exporter may not read connections or maxclients"
        )
        return
    which, used = fullest
    below = " Below the band is safe: use is a ceiling, not a goal." if used < low else ""
    yield Target(wanted, amounts.share(used), _met(low <= used <= high), f"{which}.{below}")


def _commands(seen: Seen) -> Iterator[Target]:
    wanted = f"commands within {amounts.seconds(COMMAND_SECONDS)} on average"
    mean = seen.redis.round_trip_mean_seconds
    if mean is None:
        yield Target(wanted, amounts.NOTHING, "can't be known", "no round trips are timed")
        return
    yield Target(
        wanted, amounts.seconds(mean), _met(mean < COMMAND_SECONDS), "timed by the exporter, once a second"
    )


def _caches(seen: Seen) -> Iterator[Target]:
    wanted = f"{CACHE_HITS:.0%} of cache look-ups hit"
    counted = seen.redis.cache_hits
    if counted:
        name, worst = min(counted.items(), key=lambda pair: pair[1])
        yield Target(
            wanted, amounts.share(worst), _met(worst >= CACHE_HITS), f"cache {name}, the worst that counts"
        )
        return
    ratio = seen.redis.hit_ratio
    why = "no cache counts its hits; the whole of Redis can't tell: Bull's own misses are part of it"
    yield Target(wanted, amounts.share(ratio), "can't be known", why)


def _elsewhere(_seen: Seen) -> Iterator[Target]:
    """What one moment of Redis can't tell."""
    for wanted in ("60 % less backlog", "40 % less Redis use"):
        yield Target(wanted, amounts.NOTHING, "can't be known", "needs a before and an after: see Compare")
    why = "memory of workers is not in Redis; the alerts take it from PromQL that you name"
    yield Target("memory 50 % better", amounts.NOTHING, "can't be known", why)
    why = "Redis does not tell which queue is old and which is new; compare two queues on Compare"
    yield Target("traffic moves gradually to new queues", amounts.NOTHING, "can't be known", why)
