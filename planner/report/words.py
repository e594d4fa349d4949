"""Knows how a report says things to a reader who is new to queues: objectives, loads, lists, and what words mean."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from planner.answers import duration
from planner.figures import Name, read_name
from planner.objective import Bound

WORDS = (
    "**slot**: one job at a time. A worker process with concurrency 5 has five.",
    "**slots busy**: the share of the slots that is at work, on average. Waits grow slowly up to about 70 %, and "
    "without end at 100 %.",
    "**wait**: from the moment a job may start to its first start; the work itself comes on top.",
    "**p95**: 95 of 100 jobs wait less, 5 longer. **p99**: 99 of 100 wait less. A mean hides those few.",
    "**ceiling**: the jobs an hour that the slots can do. Above it the backlog grows, and no wait can be told.",
    "**load ×2**: twice the jobs an hour of the file, in every queue.",
)
_EXPLAINED = {
    "Poisson": "**Poisson** arrivals come one by one, independent of each other, at a steady rate. "
    "Bursts make waits longer.",
    "exponential": "**Exponential** work: most jobs are short and a few long; "
    "1 in 20 takes more than three times the mean.",
    "Erlang C": "**Erlang C** is the formula for jobs that wait for one of several slots; "
    "exact for Poisson arrivals and exponential work.",
    "simulation": "**Simulation** plays the queue, job by job, until its own error is small.",
}


def explained(text: str) -> tuple[str, ...]:
    """What the terms in `text` mean."""
    return tuple(told for term, told in _EXPLAINED.items() if term in text)


def objective_told(bound: Bound) -> str:
    """An objective as a sentence without a name of a figure where it has plain words."""
    name = read_name(bound.figure)
    share = _share(name)
    if share is None or bound.at_least:
        return f"{bound.figure} {'at least' if bound.at_least else 'at most'} {bound.value:g}"
    done = {"wait": "start", "sojourn": "be done"}[name.subject]
    if name.statistic == "mean":
        return f"jobs {done} within {duration(bound.value)} on average"
    return f"{share} jobs {done} within {duration(bound.value)}"


def _share(name: Name) -> str | None:
    """`19 of 20` for the p95; None for what has no such words."""
    if name.subject not in ("wait", "sojourn") or name.priority_class is not None or name.worst_bin:
        return None
    if name.statistic == "mean":
        return "all"
    if name.statistic != "quantile" or not 0 < name.level < 1:
        return None
    part = Fraction(name.level).limit_denominator(10_000)
    return f"{part.numerator} of {part.denominator}"


def load_told(factor: float) -> str:
    """A multiple of the load in the file."""
    return "this load" if factor == 1.0 else f"{factor:g} times the load"


def loads_told(factors: Sequence[float]) -> str:
    """Several multiples, the load itself first."""
    times = [f"{factor:g}" for factor in factors if factor != 1.0]
    found = ["this load"] if 1.0 in factors else []
    return listed([*found, *([f"{listed(times)} times the load"] if times else [])])


def slots_told(slots: int) -> str:
    return "1 slot" if slots == 1 else f"{slots:,} slots"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    every: Sequence[str] = list(names)
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"
