"""This file knows the recordings of waits and processing times: shares above a bound, quantiles, means."""

from collections.abc import Iterator

from alerts import names as n
from alerts.promql import Matcher, le
from alerts.recordings.bounds import wants_duration
from alerts.rules import MINUTE, Ground, Recording, label
from alerts.signals import DURATION, LATENCY, Signal
from exporter import catalogue as c
from exporter.catalogue import Metric

_WINDOW = 15 * MINUTE
_ENDED = label("status", "completed", "failed")
"""A requeued attempt is left out: a voluntary move to delayed is no processing time of the job."""
QUANTILES = {"p95": 0.95, "p99": 0.99}


def waits(g: Ground) -> Iterator[Recording]:
    """From ready to first start."""
    yield Recording(n.WAIT_RATE, g.increase(f"{c.JOB_WAIT.name}_count", _WINDOW))
    for threshold in g.thresholds.of(LATENCY):
        within = g.increase(f"{c.JOB_WAIT.name}_bucket", _WINDOW, le(threshold.bound), *threshold.matchers)
        over = f"clamp_min({n.WAIT_RATE} - ignoring (le) max without (le) ({within}), 0)"
        yield _over(n.WAIT_OVER, over, threshold.severity, threshold.text)
    yield _share(n.WAIT_RATIO, n.WAIT_OVER, n.WAIT_RATE)
    yield from _figures(g, c.JOB_WAIT)
    yield Recording(n.EDGES, f"count without (le) ({_buckets(c.JOB_WAIT)})")


def durations(g: Ground) -> Iterator[Recording]:
    """Processing times of attempts that ended a job."""
    count = g.increase(f"{c.JOB_DURATION.name}_count", _WINDOW, _ENDED)
    yield Recording(n.DURATION_RATE, f"sum without (job_type, status) ({count})")
    for threshold in g.thresholds.of(DURATION):
        edge = le(threshold.bound)
        matchers = (edge, _ENDED, *threshold.matchers)
        within = g.increase(f"{c.JOB_DURATION.name}_bucket", _WINDOW, *matchers)
        over = f"clamp_min({n.DURATION_RATE} - sum without (job_type, status, le) ({within}), 0)"
        yield _over(n.DURATION_OVER, over, threshold.severity, threshold.text)
    if wants_duration(g):
        yield _share(n.DURATION_RATIO, n.DURATION_OVER, n.DURATION_RATE)
    yield from _figures(g, c.JOB_DURATION, _ENDED)


def _over(record: str, expr: str, severity: str, bound: str) -> Recording:
    return Recording(record, expr, (("severity", severity), ("bound", bound)))


def _share(record: str, over: str, total: str) -> Recording:
    return Recording(record, f"{over} / ignoring (severity, bound) group_left () ({total} > 0)")


def _figures(g: Ground, metric: Metric, *matchers: Matcher) -> Iterator[Recording]:
    """Mean, 95th and 99th percentile over 15 minutes; absent where nothing was observed."""
    inner = tuple(name for name in metric.labels if name in ("job_type", "status"))
    gone = ", ".join(inner)

    def rate(part: str, *more: Matcher) -> str:
        once = g.once(f"rate({g.raw(f'{metric.name}_{part}', *matchers, *more, window=_WINDOW)})")
        return f"sum without ({gone}) ({once})" if gone else once

    yield Recording(n.recorded("queue", metric, "avg15m"), f"{rate('sum')} / ({rate('count')} > 0)")
    buckets = _buckets(metric)
    yield Recording(buckets, rate("bucket"))
    for name, quantile in QUANTILES.items():
        yield Recording(
            n.recorded("queue", metric, f"{name}_15m"), f"histogram_quantile({quantile}, {buckets}) >= 0"
        )


def _buckets(metric: Metric) -> str:
    return n.recorded("queue", f"{metric.name}_bucket", "rate15m")


def missing_edges(signal: Signal) -> str:
    """Queues that have a bound and waits, but no bucket that tells one by the other."""
    bound = n.bound(signal, "queue")
    return f"({bound} unless {n.WAIT_OVER}) and ignoring (severity, bound) ({n.WAIT_RATE} > 0)"
