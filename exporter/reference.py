"""This file knows how the catalogue is written down: docs/metrics.md is its output."""

from exporter.catalogue import METRICS
from exporter.groups import GROUPS
from exporter.metric import Metric

_TITLE = """\
# Metrics

Made from `exporter/catalogue.py` by `bullgauge-exporter metrics`; do not edit.

Seconds, bytes and ratios of 0–1. What could not be known is absent, never 0. Counters appear at 0 with the first
scrape. One Redis database is one target.

Metrics are read in groups, all of them unless some are [chosen](configuration.md#groups).
"""


def metrics_page() -> str:
    """The whole page in Markdown."""
    groups = [(group.name, group.holds, [m for m in METRICS if m.group is group]) for group in GROUPS]
    always = ("On every page", "Whatever the groups.", [m for m in METRICS if m.group is None])
    return _TITLE + "".join(_table(*each) for each in (*groups, always))


def _table(title: str, text: str, metrics: list[Metric]) -> str:
    rows = "".join(_row(metric) for metric in metrics)
    return f"\n## {title}\n\n{text}\n\n| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n{rows}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{name}`" for name in metric.all_labels)
    text = metric.help
    if metric.buckets:
        text += f" Buckets: {' '.join(f'{edge:g}' for edge in metric.buckets)}."
    return f"| `{metric.name}` | {metric.kind} | {labels} | {text} |\n"
