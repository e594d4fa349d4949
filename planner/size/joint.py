"""Knows how queues share budgets: all get what they need where that fits; else the important first, the rest the least.

The least is what keeps a queue's backlog from growing. Among equals the queue is raised first that takes the smallest
part of what is left of the budgets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.file.budget_words import BudgetWords
from planner.size.budget import Use, spent
from planner.size.processes import Split


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to serve a queue."""

    slots: int
    split: Split
    use: Use


@dataclass(frozen=True, slots=True)
class Wanted:
    """One queue: what it needs for its objectives, and the least that is stable."""

    name: str
    important: bool
    full: Choice
    least: Choice


def shared(wanted: Sequence[Wanted], budgets: BudgetWords) -> dict[str, Choice]:
    """A choice a queue. Where even the least of all does not fit, that is what is answered, but for queues that get
    what they need for nothing; the sums say so.
    """
    chosen = {one.name: one.full for one in wanted}
    if fits(chosen, budgets):
        return chosen
    chosen = {one.name: one.least for one in wanted}
    for important in (True, False):
        waiting = [one for one in wanted if one.important is important]
        for one in sorted(waiting, key=lambda one: _part(one, budgets)):
            raised = {**chosen, one.name: one.full}
            if _no_worse(raised, chosen, budgets):
                chosen = raised
    return chosen


def fits(chosen: Mapping[str, Choice], budgets: BudgetWords) -> bool:
    """Whether all together are within every budget."""
    sums = spent(list(chosen), [choice.use for choice in chosen.values()], budgets)
    return all(one.within for one in sums.values())


def _no_worse(raised: Mapping[str, Choice], before: Mapping[str, Choice], budgets: BudgetWords) -> bool:
    """Whether each budget is kept, or used no more than before: what costs nothing is not taken from a queue."""
    names = list(raised)
    after = spent(names, [raised[name].use for name in names], budgets)
    now = spent(names, [before[name].use for name in names], budgets)
    return all(
        one.within or one.known <= now[resource].known * (1.0 + 1e-9) for resource, one in after.items()
    )


def _part(one: Wanted, budgets: BudgetWords) -> float:
    """The largest part of a budget that raising the queue takes."""
    parts = [0.0]
    for resource, full in one.full.use.of.items():
        budget, least = getattr(budgets, resource), one.least.use.of[resource]
        if budget is not None and full is not None and least is not None:
            parts.append((full - least) / budget)
    return max(parts)
