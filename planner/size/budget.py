"""Knows what fleets use of memory, cores, connections and money, and whether that is within the budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.file.budget_words import BudgetWords, PriceWords
from planner.size.processes import Split

# Bull opens a client, a subscriber and a blocking client for each queue of a process; BullMQ's worker opens two.
CONNECTIONS_PER_PROCESS = 3
RESOURCES = ("memory_mb", "cpu_cores", "connections", "money")


@dataclass(frozen=True, slots=True)
class Use:
    """One queue's use by resource; None where the file does not tell enough."""

    of: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Spent:
    """All queues together: `known` is the sum of those that tell, `unknown` names the others."""

    known: float
    budget: float | None
    unknown: tuple[str, ...]

    @property
    def within(self) -> bool:
        return self.budget is None or self.known <= self.budget * (1.0 + 1e-9)


def use(split: Split, prices: PriceWords) -> Use:
    """What one queue uses."""
    found: dict[str, float | None] = {
        "memory_mb": split.memory_megabytes,
        "cpu_cores": split.busy_cores,
        "connections": float(CONNECTIONS_PER_PROCESS * split.processes),
    }
    return Use({**found, "money": _money(split, found, prices)})


def _money(split: Split, found: Mapping[str, float | None], prices: PriceWords) -> float | None:
    """None where something priced is not known."""
    priced = (
        (prices.process, float(split.processes)),
        (prices.memory_gb, None if found["memory_mb"] is None else found["memory_mb"] / 1024.0),
        (prices.cpu_core, found["cpu_cores"]),
        (prices.connection, found["connections"]),
    )
    if any(price > 0 and amount is None for price, amount in priced):
        return None
    return sum(price * (amount or 0.0) for price, amount in priced)


def spent(names: Sequence[str], uses: Sequence[Use], budgets: BudgetWords) -> dict[str, Spent]:
    """By resource."""
    return {resource: _spent(resource, names, uses, budgets) for resource in RESOURCES}


def _spent(resource: str, names: Sequence[str], uses: Sequence[Use], budgets: BudgetWords) -> Spent:
    amounts = [one.of[resource] for one in uses]
    unknown = tuple(name for name, amount in zip(names, amounts, strict=True) if amount is None)
    return Spent(sum(amount or 0.0 for amount in amounts), getattr(budgets, resource), unknown)
