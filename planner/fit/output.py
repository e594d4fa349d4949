"""Knows how fits are told: as the planner's own YAML with remarks, and as plain values for `--json`."""

from collections.abc import Sequence
from typing import Any

import yaml

from planner.answers import duration
from planner.fit.estimates import Estimate
from planner.fit.fitting import Fitted
from planner.fit.fleet import KnownFleet
from planner.fit.words import queue_words, rounded


def names_of(fits: Sequence[Fitted]) -> list[str]:
    """The queues' names, with what tells them apart where two are alike."""
    plain = [found.observed.queue for found in fits]
    return [
        name if plain.count(name) == 1 else f"{_whose(found)}/{name}"
        for name, found in zip(plain, fits, strict=True)
    ]


def _whose(found: Fitted) -> str:
    seen = found.observed
    labels = [f"{label}={value}" for label, value in sorted(seen.target.items()) if label != "job"]
    return ",".join([*labels, seen.prefix])


def as_yaml(fits: Sequence[Fitted], fleet: KnownFleet, origin: str) -> str:
    """Valid input of `predict`; what is not a number of the model stands in remarks."""
    lines = [f"# Fitted from {_plain(origin)}", "queues:"]
    for found, name in zip(fits, names_of(fits), strict=True):
        lines += [f"  # {name}: {_plain(text)}" for text in remarks(found)]
        if found.workload is not None:
            words = {**fleet.kept(name), **_without_second_capacity(found, fleet, name)}
            dumped = yaml.safe_dump(
                [words], sort_keys=False, default_flow_style=None, width=10_000, allow_unicode=True
            )
            lines += [f"  {line}" for line in dumped.splitlines()]
    if fleet.beside:
        lines += yaml.safe_dump(
            fleet.beside, sort_keys=False, default_flow_style=None, allow_unicode=True
        ).splitlines()
    return "\n".join(lines)


def _without_second_capacity(found: Fitted, fleet: KnownFleet, name: str) -> dict[str, Any]:
    """The fitted words; the user's own concurrency stands for the slots where it is kept."""
    words = queue_words(found, name)
    if {"slots", "concurrency"} & set(fleet.kept(name)):
        words.pop("slots", None)
    return words


def _plain(text: str) -> str:
    """One line, whatever a name holds."""
    return " ".join(text.split())


def remarks(found: Fitted) -> list[str]:
    """What the numbers rest on, and what is doubtful; one line each."""
    seen = found.observed
    lines = [f"seen for {duration(seen.seconds)} ({seen.source})"]
    if found.workload is None:
        return [*lines, f"can't be fitted: {found.why}", *(f"doubt: {text}" for text in found.doubts)]
    assert found.arrivals is not None and found.service is not None
    arrivals, service = found.arrivals, found.service
    lines.append(f"arrivals {_told(arrivals.rate, ' a second')}; {arrivals.how}")
    lines.append(f"squared CV of arrivals {_told(arrivals.scv)}")
    lines.append(f"service mean {_told(service.mean, ' s')}; {service.fitted.how}")
    lines.append(f"squared CV of service {_told(service.scv)}")
    lines.append(f"attempts that failed {_told(found.failures.attempt)}")
    lines.append(f"jobs that failed for good {_told(found.failures.final)}")
    lines.append(
        f"slots: {found.slots.kind}{f' {found.slots.count}' if found.slots.count else ''}, {found.slots.why}"
    )
    lines.append(_payload(found))
    return lines + [f"doubt: {text}" for text in found.doubts]


def _told(estimate: Estimate, unit: str = "") -> str:
    if estimate.value is None:
        band = "" if estimate.high is None else f" between {estimate.low:.3g} and {estimate.high:.3g}{unit}"
        return f"unknown{band}: {estimate.why}"
    band = "" if estimate.low is None else f" ({estimate.low:.3g} to {estimate.high:.3g})"
    return f"{estimate.value:.4g}{unit}{band} from {estimate.count:,.0f}"


def _payload(found: Fitted) -> str:
    payload = found.observed.payload
    if payload is None or payload.mean_bytes is None:
        return f"payload unknown: {found.observed.absent.get('payload', 'no size was sampled')}"
    return f"payload {payload.mean_bytes:,.0f} bytes on average of {payload.count:,.0f}"


def values(found: Fitted, name: str) -> dict[str, Any]:
    """Plain values; None where something can't be known."""
    seen, arrivals, service, failures = found.observed, found.arrivals, found.service, found.failures
    payload = seen.payload
    return {
        "name": name,
        "prefix": seen.prefix or None,
        "target": dict(seen.target),
        "source": seen.source,
        "start": rounded_time(seen.start),
        "seconds": rounded(seen.seconds),
        "sample_size": found.workload.sample_size if found.workload else None,
        "arrivals_per_second": _values(arrivals.rate) if arrivals else None,
        "arrivals_squared_cv": _values(arrivals.scv) if arrivals else None,
        "arrivals_dispersion": arrivals.dispersion if arrivals else None,
        "arrivals_by_hour_utc": list(arrivals.shape) if arrivals and arrivals.shape else None,
        "arrivals_how": arrivals.how if arrivals else None,
        "service_seconds": _values(service.mean) if service else None,
        "service_squared_cv": _values(service.scv) if service else None,
        "service_how": service.fitted.how if service else None,
        "attempt_failure_ratio": _values(failures.attempt),
        "job_failure_ratio": _values(failures.final),
        "retry_ratio": _values(failures.retried),
        "payload_bytes": payload.mean_bytes if payload else None,
        "payload_sample_size": payload.count if payload else None,
        "slots": {"kind": found.slots.kind, "count": found.slots.count, "why": found.slots.why},
        "utilisation": found.utilisation,
        "workers": seen.workers,
        "lost_events": seen.lost,
        "unknown": dict(seen.absent),
        "why": found.why or None,
        "doubts": list(found.doubts),
        "queue": queue_words(found, name) if found.workload else None,
    }


def rounded_time(moment: float) -> float:
    return round(moment, 3)


def _values(estimate: Estimate) -> dict[str, Any]:
    told = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "count": estimate.count}
    return {**told, "why": estimate.why or None}
