"""Knows how queues share budgets: all get what they need where that fits; else the important first, the rest the least.

The least is what keeps a queue's backlog from growing. Among equals the queue is raised first that takes the smallest
part of what is left of the budgets. What is then left goes to those that were cut, so that the busiest of them is as
little busy as it can be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from planner.file.budget_words import BudgetWords
from planner.size.budget import Use, spent
from planner.size.processes import Split

# Halvings of the use of the busiest queue: finer than one slot of a thousand.
_HALVINGS = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to serve a queue."""

    slots: int
    split: Split
    use: Use


@dataclass(frozen=True, slots=True)
class Wanted:
    """One queue: the slots that it needs for its objectives, the fewest that are stable, and what any number is."""

    name: str
    important: bool
    offered_load: float
    needed: int
    fewest: int
    choice: Callable[[int], Choice]


Chosen = Mapping[str, Choice]


def shared(wanted: Sequence[Wanted], budgets: BudgetWords) -> dict[str, Choice]:
    """A choice a queue. Where even the least of all does not fit, that is what is answered, but for queues that get
    more for nothing; the sums say so.
    """
    chosen = {one.name: one.choice(one.needed) for one in wanted}
    if fits(chosen, budgets):
        return chosen
    chosen = {one.name: one.choice(one.fewest) for one in wanted}
    for important in (True, False):
        alike = [one for one in wanted if one.important is important]
        for one in sorted(alike, key=lambda one: _part(one, budgets)):
            chosen = _raised({one.name: one.choice(one.needed)}, chosen, budgets) or chosen
        cut = [one for one in alike if chosen[one.name].slots < one.needed]
        chosen = _filled(cut, _evened(cut, chosen, budgets), budgets)
    return chosen


def fits(chosen: Chosen, budgets: BudgetWords) -> bool:
    """Whether all together are within every budget."""
    sums = spent(list(chosen), [choice.use for choice in chosen.values()], budgets)
    return all(one.within for one in sums.values())


def _evened(cut: Sequence[Wanted], chosen: dict[str, Choice], budgets: BudgetWords) -> dict[str, Choice]:
    """All that were cut with slots for the same use of each, as low as fits."""
    fitting, too_low = 1.0, 0.0
    for _ in range(_HALVINGS if cut else 0):
        middle = (fitting + too_low) / 2
        more = {one.name: one.choice(_slots_for(middle, one, chosen[one.name])) for one in cut}
        raised = _raised(more, chosen, budgets)
        if raised is None:
            too_low = middle
        else:
            fitting, chosen = middle, raised
    return chosen


def _slots_for(utilisation: float, one: Wanted, has: Choice) -> int:
    return max(has.slots, min(one.needed, ceil(one.offered_load / utilisation)))


def _filled(cut: Sequence[Wanted], chosen: dict[str, Choice], budgets: BudgetWords) -> dict[str, Choice]:
    """What is left is too little for all alike: it goes to one after the other, the busiest first."""
    for one in sorted(cut, key=lambda one: -one.offered_load / chosen[one.name].slots):
        low, high = chosen[one.name].slots, one.needed
        while high - low > 1:
            middle = (low + high) // 2
            raised = _raised({one.name: one.choice(middle)}, chosen, budgets)
            low, high, chosen = (low, middle, chosen) if raised is None else (middle, high, raised)
    return chosen


def _raised(more: Chosen, chosen: dict[str, Choice], budgets: BudgetWords) -> dict[str, Choice] | None:
    """With more for some; None where that breaks a budget, or uses more of one that is broken already: what costs
    nothing is not taken from a queue.
    """
    raised = {**chosen, **more}
    names = list(raised)
    after = spent(names, [raised[name].use for name in names], budgets)
    now = spent(names, [chosen[name].use for name in names], budgets)
    no_worse = all(
        one.within or one.known <= now[resource].known * (1.0 + 1e-9) for resource, one in after.items()
    )
    return raised if no_worse else None


def _part(one: Wanted, budgets: BudgetWords) -> float:
    """The largest part of a budget that raising the queue takes."""
    parts = [0.0]
    fewest = one.choice(one.fewest).use.of
    for resource, full in one.choice(one.needed).use.of.items():
        budget, least = getattr(budgets, resource), fewest[resource]
        if budget is not None and full is not None and least is not None:
            parts.append((full - least) / budget)
    return max(parts)
