"""This file knows a fleet within budgets, as `bullgauge-planner size` shares them, and its KEDA objects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from dashboard.amounts import NOTHING
from dashboard.plan.document import Document, read
from planner.size.keda import scaled_object
from planner.size.replicas import scaled
from planner.size.whole_file import sized_file

RESOURCES = {
    "memory_mb": "Memory, MB",
    "cpu_cores": "CPU cores",
    "connections": "Connections",
    "money": "Money",
}
PRICES = {"process": "a process", "memory_gb": "a GB", "cpu_core": "a core", "connection": "a connection"}
Amounts = Mapping[str, float]


def with_budgets(document: Document, budgets: Amounts, prices: Amounts) -> Document:
    """The file with what the whole fleet may use, and what things cost."""
    made = {word: value for word, value in document.items() if word not in ("budgets", "prices")}
    return {
        **made,
        **({"budgets": dict(budgets)} if budgets else {}),
        **({"prices": dict(prices)} if prices else {}),
    }


def shared(document: Document) -> dict[str, Any]:
    """What `bullgauge-planner size --json` answers. Raises BadInput."""
    return sized_file(read(document, "plan"), _each)[0]


def _each(things: Sequence[Any], answer: Callable[[Any], Any]) -> list[Any]:
    return [answer(thing) for thing in things]


def keda(document: Document) -> str:
    """What `bullgauge-planner size --keda` writes: a ScaledObject a queue. Raises BadInput."""
    file = read(document, "plan")
    answer, plans = sized_file(file, _each)
    objects = [
        scaled_object(scaled(one.queue, row["concurrency"], file.keda.growth, one.shifts), file.keda)
        for one, row in zip(plans, answer["queues"], strict=True)
        if one.plan is not None
    ]
    return yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True, width=1000)


def table(answer: Mapping[str, Any]) -> pd.DataFrame:
    """A row a queue: what it needs, what it gets, and what that uses."""
    return pd.DataFrame([_row(row) for row in answer["queues"]])


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    if row["slots_needed"] is None:
        return {"queue": row["name"], "needed": "none is enough"}
    uses = {
        RESOURCES[name].lower(): _amount(amount) for name, amount in row["uses"].items() if name != "money"
    }
    return {
        "queue": row["name"],
        "needed": str(row["slots_needed"]),
        "gets": str(row["slots"]),
        "": "▲ cut to fit" if row["cut_to_fit"] else "✓ all it needs",
        "as": f"{row['workers']} × {row['concurrency']}",
        "because": row["workers_set_by"],
        **uses,
    }


def _amount(amount: float | None) -> str:
    return NOTHING if amount is None else f"{amount:,.4g}"


def sums(answer: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Name, amount, what it is held against, and whether it is within; what can't be known is said."""
    found = []
    for name, one in answer["together"].items():
        unknown = f"; not known of {', '.join(one['unknown'])}" if one["unknown"] else ""
        budget = "no budget" if one["budget"] is None else f"of {one['budget']:,.4g}"
        every = bool(one["unknown"]) and len(one["unknown"]) == len(answer["queues"])
        amount = NOTHING if every else _amount(one["known"])
        found.append((RESOURCES[name], amount, budget + unknown, one["within"]))
    return found
