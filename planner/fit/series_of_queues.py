"""Knows how series of a Prometheus are asked for by queue, and whose each is."""

from collections.abc import Mapping, Sequence

from exporter import catalogue as c
from planner.fit.counters import Labels, Whose
from planner.laws.named import Vector
from planner.stored.ranges import Prometheus, Range

OWN_LABELS = {label for metric in c.METRICS for label in metric.labels} | {"le"}


def only(queues: Sequence[str]) -> str:
    """A matcher for these queues alone."""
    return f'queue=~"{"|".join(_escaped(queue) for queue in queues)}"'


def _escaped(name: str) -> str:
    pattern = "".join(f"\\{char}" if char in r".*+?()|[]{}^$\\" else char for char in name)
    return pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def by_queue(server: Prometheus, query: str, over: Range) -> dict[Whose, dict[Labels, Vector]]:
    """The series of a query by queue and by the labels that are the metric's own."""
    found: dict[Whose, dict[Labels, Vector]] = {}
    for series in server.range(query, over):
        whose, own = whose_of(series.labels)
        found.setdefault(whose, {})[own] = series.values
    return found


def whose_of(labels: Mapping[str, str]) -> tuple[Whose, Labels]:
    """Whose a series is, and its own labels. What is neither tells one Redis from another."""
    own = tuple(sorted((k, v) for k, v in labels.items() if k in OWN_LABELS))
    rest = {k: v for k, v in labels.items() if k not in OWN_LABELS and k not in ("prefix", "queue")}
    target = tuple(sorted(rest.items()))
    return (target, labels.get("prefix", ""), labels.get("queue", "")), own
