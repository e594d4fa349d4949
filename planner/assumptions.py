"""Knows how assumptions are told to people: what all queues share once, those that share the rest together."""

from collections.abc import Mapping, Sequence
from typing import Any


def told(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for what all have in common, and one for each set of the rest: `email, reports: concurrency: 1`."""
    some = [row for row in rows if row["assumed"]]
    of_all = (
        [text for text in some[0]["assumed"] if all(text in row["assumed"] for row in some)] if some else []
    )
    alike: dict[str, list[str]] = {}
    for row in some:
        if own := "; ".join(text for text in row["assumed"] if text not in of_all):
            alike.setdefault(own, []).append(row["name"])
    sharing = ", ".join(row["name"] for row in some)
    every = "every queue" if 1 < len(some) == len(rows) else sharing
    lines = [f"{every}: {'; '.join(of_all)}"] if of_all else []
    return lines + [f"{', '.join(names)}: {own}" for own, names in alike.items()]
