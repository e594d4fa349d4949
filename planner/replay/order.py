"""Knows which types of jobs went before which others in a trace, whoever was ready first: priorities, as seen."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from planner.replay.trace import Attempt

# A job that was ready for less than this was perhaps not seen by the worker that asked.
UNSEEN_SECONDS = 0.01
# So often at least must one type have passed another, and so much more seldom have stood back.
OFTEN, SELDOM = 10, 0.05
# Of more types than this only the most frequent are held against each other.
MOST_TYPES = 20
# Retries that waited for a slot, and the part of them that later jobs have passed where they join late.
FEW_RETRIES, LATE = 5, 0.1

Pairs = Counter[tuple[str, str]]


def ranks_seen(attempts: Sequence[Attempt]) -> dict[str, int]:
    """Rank of each type, 0 starts first; empty where none goes before another. `attempts` are in order of their starts.

    One type goes before another when it has often passed jobs that were ready earlier, and next to never had to wait
    while the other started.
    """
    frequent = [kind for kind, _ in Counter(one.kind for one in attempts).most_common(MOST_TYPES)]
    passed, stood_back = _met([one for one in attempts if one.kind in frequent])
    before = {
        (first, second)
        for (first, second), often in passed.items()
        if often >= OFTEN and stood_back[first, second] <= SELDOM * often
    }
    return _layers(frequent, before) if before else {}


def passed_unexplained(attempts: Sequence[Attempt], ranks: Mapping[str, int]) -> float:
    """Share of the starts that passed a job of the same rank that was ready earlier."""
    of_rank = [(one, f"{ranks.get(one.kind, 0)}") for one in attempts]
    passed = sum(
        1
        for one, rank, waiting in _starts(of_rank)
        if one.ready is not None and waiting.get(rank, one.ready) < one.ready - UNSEEN_SECONDS
    )
    return passed / len(attempts) if attempts else 0.0


def retries_join_late(attempts: Sequence[Attempt], slots: int) -> bool:
    """Whether a retry that falls due while all slots are busy is behind the jobs that came until one got free.

    Bull's retries keep the place of their due time, BullMQ's do not (planner/simulation/bull_rules.py); where no
    retry waited so, they are taken as BullMQ's.
    """
    free: list[float] = []
    waited = passed = 0
    latest = -float("inf")  # when the last started of the first attempts was ready
    for one in attempts:
        freed = heapq.heappop(free) if len(free) == slots else -float("inf")
        heapq.heappush(free, one.ended)
        if one.ready is None:
            continue
        if one.number == 1:
            latest = max(latest, one.ready)
        elif freed > one.ready + UNSEEN_SECONDS:
            waited += 1
            passed += latest > one.ready + UNSEEN_SECONDS / 2.0
    return waited < FEW_RETRIES or passed >= LATE * waited


def _met(attempts: Sequence[Attempt]) -> tuple[Pairs, Pairs]:
    """How often (first, second) the first passed the second; and how often it waited while the second started."""
    passed, stood_back = Pairs(), Pairs()
    for one, kind, waiting in _starts([(one, one.kind) for one in attempts]):
        for other, ready in waiting.items():
            if other == kind:
                continue
            if ready < one.started - UNSEEN_SECONDS:
                stood_back[other, kind] += 1
            if one.ready is not None and ready < one.ready - UNSEEN_SECONDS:
                passed[kind, other] += 1
    return passed, stood_back


def _starts(attempts: Sequence[tuple[Attempt, str]]) -> Iterator[tuple[Attempt, str, dict[str, float]]]:
    """Each start with its line, and by line when the first of those was ready that still wait then."""
    coming = sorted(
        ((one.ready, place) for place, (one, _) in enumerate(attempts) if one.ready is not None), reverse=True
    )
    lines: dict[str, list[tuple[float, int]]] = {}
    for place, (one, line) in enumerate(attempts):
        while coming and coming[-1][0] <= one.started:
            ready, other = coming.pop()
            heapq.heappush(lines.setdefault(attempts[other][1], []), (ready, other))
        for waiting in lines.values():
            while waiting and waiting[0][1] <= place:
                heapq.heappop(waiting)
        yield one, line, {name: waiting[0][0] for name, waiting in lines.items() if waiting}


def _layers(kinds: Sequence[str], before: set[tuple[str, str]]) -> dict[str, int]:
    """Each type one below the last of those that go before it; nothing where they go round."""
    ranks: dict[str, int] = {}
    while len(ranks) < len(kinds):
        free = [k for k in kinds if k not in ranks and all(a in ranks for a, b in before if b == k)]
        if not free:
            return {}
        ranks |= {k: 1 + max((ranks[a] for a, b in before if b == k), default=-1) for k in free}
    return ranks
