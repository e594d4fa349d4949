"""Knows what becomes of the pools of connections in a what-if question, and when that is worth a line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from planner.pool import WAITING_SHARE, PoolAnswer, answer, jobs_per_second
from planner.whatif.scenario import Scenario

Row = Mapping[str, Any]
WORD = "pool."


def pools_of(asked: Sequence[Scenario]) -> list[list[dict[str, Any]]]:
    """The pools of each scenario; one that is the same in several is answered once."""
    known: dict[str, PoolAnswer] = {}
    found = []
    for scenario in asked:
        rate = jobs_per_second(scenario.file.queues)
        rows = []
        for name, words in scenario.file.pools.items():
            key = repr((name, words, rate))
            if key not in known:
                known[key] = answer(name, words, rate)
            rows.append(asdict(known[key]))
        found.append(rows)
    return found


def worth_telling(found: Sequence[Row]) -> bool:
    """Whether somebody set a pool, or one is so busy that commands wait."""
    is_set = any(field.startswith(WORD) for one in found for field in one["set"])
    return is_set or any(pool["prob_wait"] > WAITING_SHARE for one in found for pool in one.get("pools", ()))


def lines(found: Sequence[Row], told: Sequence[str], width: int) -> list[str]:
    """A table of the pools, beside that of the queues."""
    table = [
        "",
        f"{'scenario':<{width}}{'pool':<20}{'connections':>12}{'used':>8}{'commands that wait':>20}  needed",
    ]
    for one, text in zip(found, told, strict=True):
        start = text
        for pool in one["pools"]:
            table.append(
                f"{start:<{width}}{pool['name']:<20}{pool['connections']:>12}{pool['utilisation']:>8.2%}"
                f"{pool['prob_wait']:>20.2%}  {pool['connections_needed']}"
            )
            start = ""
    return table
