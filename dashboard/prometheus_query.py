"""This file knows the PromQL of a figure: exporters of one Redis count once, then what is left is joined."""

import json
from collections.abc import Sequence

from dashboard.sources import Where, joining
from exporter.catalogue import Metric

REPLICA_LABELS = ("instance", "pod")


def gauge_query(metric: Metric, by: Sequence[str], where: Where, part: str) -> str:
    return _joined(metric, by, f"{_name(metric, part)}{_selector(where)}")


def increase_query(metric: Metric, by: Sequence[str], where: Where, part: str, step_seconds: float) -> str:
    window = f"{round(step_seconds * 1000)}ms"
    return _joined(metric, by, f"increase({_name(metric, part)}{_selector(where)}[{window}])")


def _joined(metric: Metric, by: Sequence[str], inner: str) -> str:
    once = f"max without ({', '.join(REPLICA_LABELS)}) ({inner})"
    return f"{joining(metric)} by ({', '.join(by)}) ({once})"


def _name(metric: Metric, part: str) -> str:
    return f"{metric.name}_{part}" if part else metric.name


def _selector(where: Where) -> str:
    return (
        "{"
        + ", ".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in where.items())
        + "}"
    )
