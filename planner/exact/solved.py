"""Knows what an exact method found, and which figures can be read from it."""

from dataclasses import dataclass, field

from planner.exact.daily import DailyWait
from planner.exact.distributions import Distribution, TailFunction, quantile
from planner.figures import Name, read_name
from planner.prediction import Figure, Tail


@dataclass(frozen=True, slots=True)
class Solved:
    """`wait` is absent when a method only knows the plain figures, `completion` when it is the sojourn."""

    method: str
    wait: Distribution | None = None
    sojourn: Distribution | None = None
    classes: tuple[Distribution, ...] = ()
    daily: DailyWait | None = None
    lost: float = 0.0
    gave_up: float = 0.0
    scalars: dict[str, float] = field(default_factory=dict)
    completion: Distribution | None = None

    def figure(self, text: str) -> float | None:
        """The figure of that name, or None when this method does not know it."""
        name = read_name(text)
        if name.statistic == "scalar":
            return self._scalar(name.subject)
        waits = self._distribution(name)
        return None if waits is None else _statistic(waits, name)

    def tail(self, subject: str) -> Tail | None:
        """The whole law of "wait" or "sojourn", or None when this method does not know it."""
        durations = {"wait": self.wait, "sojourn": self.sojourn}[subject]
        if durations is None or isinstance(durations, OnlyMean):
            return None
        return lambda t: Figure(durations.tail(t))

    def _scalar(self, name: str) -> float | None:
        if name == "worst_bin" and self.daily is not None:
            return float(self.daily.worst_bin)
        return self.scalars.get(name)

    def _distribution(self, name: Name) -> Distribution | None:
        if name.subject in ("sojourn", "completion_time"):
            whole = self.completion if name.subject == "completion_time" and self.completion else self.sojourn
            return None if name.priority_class is not None or name.worst_bin else whole
        if name.subject == "batch_makespan":
            return None
        if name.worst_bin:
            return self.daily.bins[self.daily.worst_bin] if self.daily else None
        if name.priority_class is not None:
            return self.classes[name.priority_class] if name.priority_class < len(self.classes) else None
        return self.wait


def _statistic(waits: Distribution, name: Name) -> float | None:
    if name.statistic == "mean":
        return waits.mean
    if isinstance(waits, OnlyMean):
        return None
    if name.statistic == "prob":
        return waits.tail(0.0)
    return quantile(waits, name.level) if name.statistic == "quantile" else 1.0 - waits.tail(name.level)


@dataclass(frozen=True, slots=True)
class OnlyMean:
    """A duration whose law is not known exactly: its other figures are simulated."""

    mean: float

    def tail(self, t: float) -> float:
        raise LookupError(f"the tail at {t} s is not known; only the mean is")


def mixed(rates: tuple[float, ...], waits: tuple[Distribution, ...]) -> Distribution:
    """The wait of any job, its class drawn in proportion to the rates."""
    shares = [rate / sum(rates) for rate in rates]
    mean = sum(share * wait.mean for share, wait in zip(shares, waits, strict=True))
    if any(isinstance(wait, OnlyMean) for wait in waits):
        return OnlyMean(mean)
    return TailFunction(
        mean, lambda t: sum(share * wait.tail(t) for share, wait in zip(shares, waits, strict=True))
    )
