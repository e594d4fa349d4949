"""This file knows what is aimed at and alarms nobody: the configuration's targets, else the report's."""

from dataclasses import dataclass

from alerts.config import Bounds, Config
from alerts.quantities import QuantityError, parse
from alerts.signals import CACHE_HITS, CONNECTIONS, LATENCY, THROUGHPUT, Signal

OF_THE_REPORT = {
    LATENCY.name: "500ms",
    THROUGHPUT.name: "10000 jobs/hour",
    CONNECTIONS.name: "60-80%",
    CACHE_HITS.name: "85%",
}


@dataclass(frozen=True, slots=True)
class Aim:
    """A target as it was written, and the value beyond which it is missed."""

    text: str
    value: float


def aim(config: Config, signal: Signal) -> Aim | None:
    """What is aimed at for a signal. Raises QuantityError where it can't be read."""
    given: Bounds | None = getattr(config, signal.name)
    text = (given.target if given else None) or OF_THE_REPORT.get(signal.name)
    return None if text is None else Aim(text, _beyond(text, signal))


def _beyond(text: str, signal: Signal) -> float:
    """Of a band such as `60-80%` the upper end; the lower one where less is worse."""
    low, dash, high = text.partition("-")
    if not dash:
        return parse(text, signal.unit).value
    if low.strip()[-1:].isdigit():
        low += high.lstrip("0123456789., _")  # `60-80%` leaves the first unit out
    ends = [parse(end, signal.unit).value for end in (low, high)]
    if ends[0] >= ends[1]:
        raise QuantityError("is no band: its first end must be less than its second")
    return ends[0 if signal.worse == "below" else 1]
