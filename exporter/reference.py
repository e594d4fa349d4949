"""This file knows how the catalogue is written down: docs/metrics.md is its output."""

from exporter.catalogue import METRICS, Metric

_TITLE = """\
# Metrics

Made from `exporter/catalogue.py` by `bullgauge-exporter metrics`; do not edit.

Seconds, bytes and ratios of 0–1. What could not be known is absent, never 0. Counters appear at 0 with the first
scrape. Every metric of a queue has the labels `prefix` and `queue`; one Redis database is one target.
"""


def metrics_page() -> str:
    """The whole page in Markdown."""
    groups = (
        ("Queues", [m for m in METRICS if m.per_queue]),
        ("Redis", [m for m in METRICS if m.name.startswith("queue_redis_")]),
        ("Caches of the application", [m for m in METRICS if m.name.startswith("queue_cache_")]),
        ("The exporter itself", [m for m in METRICS if m.name.startswith("queue_exporter_")]),
    )
    return _TITLE + "".join(_table(title, metrics) for title, metrics in groups)


def _table(title: str, metrics: list[Metric]) -> str:
    rows = "".join(_row(metric) for metric in metrics)
    return f"\n## {title}\n\n| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n{rows}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{name}`" for name in metric.labels)
    text = metric.help
    if metric.buckets:
        text += f" Buckets: {' '.join(f'{edge:g}' for edge in metric.buckets)}."
    return f"| `{metric.name}` | {metric.kind} | {labels} | {text} |\n"
