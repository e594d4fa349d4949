"""Knows the words in which users and reference files write laws, arrivals and limits, and checks each value.

The classes are the input's schema (pydantic); each turns itself into the planner's own value.
"""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from scipy import optimize, special

from planner import arrivals, fleet, workload
from planner import laws as known
from planner.durations import seconds

# In the schema a duration is what planner/durations.py reads.
_WRITTEN = {"type": "string", "pattern": r"^\s*[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?\s*(ms|s|min|m|h|d)?\s*$"}
_ABOVE_0 = WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _WRITTEN]})
_FROM_0 = WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, _WRITTEN]})
Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0, allow_inf_nan=False), _ABOVE_0]
SecondsOrZero = Annotated[float, BeforeValidator(seconds), Field(ge=0, allow_inf_nan=False), _FROM_0]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Words(BaseModel):
    """Unknown words are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _shares(p: list[float] | None, count: int) -> tuple[float, ...]:
    """`p` scaled to sum exactly 1; equal shares when absent."""
    if p is None:
        return (1.0 / count,) * count
    if len(p) != count:
        raise ValueError(f"p has {len(p)} shares for {count} values; give one each")
    if abs(sum(p) - 1.0) > 1e-6:
        raise ValueError(f"the shares p sum to {sum(p):g}; they must sum to 1")
    return tuple(share / sum(p) for share in p)


def _one_of(words: BaseModel, *groups: tuple[str, ...]) -> tuple[str, ...]:
    """The first group of fields that are all given. Raises ValueError when none is."""
    for group in groups:
        if all(getattr(words, field) is not None for field in group):
            return group
    raise ValueError(f"give {' or '.join(' and '.join(group) for group in groups)}")


class ExponentialWords(Words):
    """Memoryless."""

    law: Literal["exponential"]
    mean: Seconds

    def value(self) -> known.Law:
        return known.Exponential(self.mean)


class DeterministicWords(Words):
    """Always `value`."""

    law: Literal["deterministic"]
    value_: Annotated[SecondsOrZero | None, Field(alias="value")] = None
    mean: SecondsOrZero | None = None

    @model_validator(mode="after")
    def _given(self) -> "DeterministicWords":
        _one_of(self, ("value_",), ("mean",))
        return self

    def value(self) -> known.Law:
        return known.Deterministic(self.mean if self.value_ is None else self.value_)  # type: ignore[arg-type]


class ErlangWords(Words):
    """The sum of `k` equal exponentials."""

    law: Literal["erlang"]
    k: Count
    mean: Seconds

    def value(self) -> known.Law:
        return known.Gamma(float(self.k), self.mean)


class HyperexponentialWords(Words):
    """One of several exponentials, chosen with shares `p`."""

    law: Literal["hyperexponential"]
    p: list[Share]
    means: Annotated[list[Seconds], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> "HyperexponentialWords":
        _shares(self.p, len(self.means))
        return self

    def value(self) -> known.Law:
        return known.Mixture(_shares(self.p, len(self.means)), tuple(map(known.Exponential, self.means)))


class LognormalWords(Words):
    """`mean` and `scv`, or `median` and `sigma`."""

    law: Literal["lognormal"]
    mean: Seconds | None = None
    scv: Positive | None = None
    median: Seconds | None = None
    sigma: Positive | None = None

    @model_validator(mode="after")
    def _given(self) -> "LognormalWords":
        _one_of(self, ("mean", "scv"), ("median", "sigma"), ("mean", "sigma"))
        return self

    def value(self) -> known.Law:
        sigma = self.sigma if self.scv is None else float(np.sqrt(np.log1p(self.scv)))
        assert sigma is not None
        if self.median is not None:
            return known.Lognormal(float(np.log(self.median)), sigma)
        return known.Lognormal(float(np.log(self.mean or 0.0)) - sigma**2 / 2, sigma)


class GammaWords(Words):
    """`mean` with `scv` or `shape`, or `shape` and `scale`."""

    law: Literal["gamma"]
    mean: Seconds | None = None
    scv: Positive | None = None
    shape: Positive | None = None
    scale: Seconds | None = None

    @model_validator(mode="after")
    def _given(self) -> "GammaWords":
        _one_of(self, ("mean", "scv"), ("mean", "shape"), ("shape", "scale"))
        return self

    def value(self) -> known.Law:
        shape = self.shape or 1.0 / (self.scv or 1.0)
        return known.Gamma(shape, self.mean or shape * (self.scale or 1.0))


class WeibullWords(Words):
    """`shape` with `scale` or `mean`, or `mean` and `scv`."""

    law: Literal["weibull"]
    shape: Positive | None = None
    scale: Seconds | None = None
    mean: Seconds | None = None
    scv: Positive | None = None

    @model_validator(mode="after")
    def _given(self) -> "WeibullWords":
        _one_of(self, ("shape", "scale"), ("shape", "mean"), ("mean", "scv"))
        return self

    def value(self) -> known.Law:
        shape = self.shape or _weibull_shape(self.scv or 1.0)
        return known.Weibull(
            shape, self.scale or (self.mean or 1.0) / float(special.gamma(1.0 + 1.0 / shape))
        )


def _weibull_shape(scv: float) -> float:
    """The shape with the given squared coefficient of variation."""

    def excess(log_shape: float) -> float:
        k = np.exp(log_shape)
        return float(special.gammaln(1.0 + 2.0 / k) - 2.0 * special.gammaln(1.0 + 1.0 / k) - np.log1p(scv))

    return float(np.exp(optimize.brentq(excess, np.log(0.05), np.log(200.0))))


class BoundedParetoWords(Words):
    """A power tail between `low` and `high`."""

    law: Literal["bounded_pareto"]
    alpha: Positive
    low: Seconds
    high: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> "BoundedParetoWords":
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}")
        return self

    def value(self) -> known.Law:
        return known.BoundedPareto(self.alpha, self.low, self.high)


class DiscreteWords(Words):
    """One of `values`, with shares `p` (equal when absent)."""

    law: Literal["discrete"]
    values: Annotated[list[SecondsOrZero], Field(min_length=1)]
    p: list[Share] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "DiscreteWords":
        _shares(self.p, len(self.values))
        if not any(self.values):
            raise ValueError("all values are 0; give at least one above 0")
        return self

    def value(self) -> known.Law:
        pairs = sorted(zip(self.values, _shares(self.p, len(self.values)), strict=True))
        return known.Discrete(tuple(value for value, _ in pairs), tuple(share for _, share in pairs))


class MixtureWords(Words):
    """One of several laws (`laws`, `components` or `parts`), chosen with shares `p`."""

    law: Literal["mixture"]
    p: Annotated[list[Share], Field(alias="p")]
    laws: "list[AnyLaw]"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        renamed = {"components": "laws", "parts": "laws", "weights": "p"}
        return {renamed.get(key, key): value for key, value in given.items()}

    @model_validator(mode="after")
    def _fits(self) -> "MixtureWords":
        _shares(self.p, len(self.laws))
        return self

    def value(self) -> known.Law:
        return known.Mixture(_shares(self.p, len(self.laws)), tuple(law.value() for law in self.laws))


AnyLaw = Annotated[
    ExponentialWords
    | DeterministicWords
    | ErlangWords
    | HyperexponentialWords
    | LognormalWords
    | GammaWords
    | WeibullWords
    | BoundedParetoWords
    | DiscreteWords
    | MixtureWords,
    Field(discriminator="law"),
]


class IoThenCpuWords(Words):
    """A slot is held while waiting for others (`io`) and then while sharing the cores (`cpu`)."""

    law: Literal["io_then_cpu"]
    io: AnyLaw
    cpu: AnyLaw

    def value(self) -> known.IoThenCpu:
        return known.IoThenCpu(self.io.value(), self.cpu.value())


AnyService = Annotated[AnyLaw | IoThenCpuWords, Field()]


class RateLimitWords(Words):
    """At most `max` starts a `window`."""

    max: Count
    window: Seconds

    def value(self) -> fleet.RateLimit:
        return fleet.RateLimit(self.max, self.window)


class RetriesWords(Words):
    """Each attempt fails with `failure_ratio`; at most `attempts`, `delay` apart (doubling when exponential), of which
    `jitter` takes up to that share off at random.
    """

    failure_ratio: Share
    attempts: Count
    delay: SecondsOrZero = 0.0
    backoff: Literal["fixed", "exponential", "bull_exponential"] = "fixed"
    jitter: Share = 0.0

    def assumed(self) -> list[str]:
        """Each default that was taken."""
        plain = {"delay": f"{self.delay:g} s", "backoff": self.backoff, "jitter": f"{self.jitter:g}"}
        return [
            f"retries.{word}: {told}" for word, told in plain.items() if word not in self.model_fields_set
        ]

    def value(self) -> workload.Retries:
        return workload.Retries(self.failure_ratio, self.attempts, self.delay, self.backoff, self.jitter)


class PoissonWords(Words):
    """Independent arrivals at one rate."""

    process: Literal["poisson"]
    per_second: Positive

    def value(self) -> arrivals.Arrivals:
        return arrivals.Poisson(self.per_second)


class RenewalWords(Words):
    """Independent intervals of one law."""

    process: Literal["renewal"]
    interval: AnyLaw

    def value(self) -> arrivals.Arrivals:
        law = self.interval.value()
        if isinstance(law, known.Exponential):
            return arrivals.Poisson(1.0 / law.mean)
        return arrivals.Renewal(law)


class MmppWords(Words):
    """Two Poisson rates; `switch_per_second` are the rates from the first to the second and back."""

    process: Literal["mmpp"]
    per_second: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2)]
    switch_per_second: Annotated[list[Positive], Field(min_length=2, max_length=2)]

    def value(self) -> arrivals.Arrivals:
        first, second = self.per_second
        back, forth = self.switch_per_second
        return arrivals.Mmpp((first, second), (back, forth))


class BatchPoissonWords(Words):
    """Batches of `sizes` with shares `p`."""

    process: Literal["batch_poisson"]
    batches_per_second: Positive
    sizes: Annotated[list[Count], Field(min_length=1)]
    p: list[Share] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "BatchPoissonWords":
        _shares(self.p, len(self.sizes))
        return self

    def value(self) -> arrivals.Arrivals:
        return arrivals.BatchPoisson(
            self.batches_per_second, tuple(self.sizes), _shares(self.p, len(self.sizes))
        )


class PoissonClassesWords(Words):
    """One rate a priority class, the first served first."""

    process: Literal["poisson_classes"]
    per_second: Annotated[list[Positive], Field(min_length=1)]

    def value(self) -> arrivals.Arrivals:
        return arrivals.PoissonClasses(tuple(self.per_second))


class SinusoidWords(Words):
    """mean·(1 + amplitude·sin) over the period."""

    process: Literal["sinusoid"]
    mean_per_second: Positive
    amplitude: Annotated[float, Field(ge=-1, le=1)]
    period: Seconds

    def value(self) -> arrivals.Arrivals:
        return arrivals.Sinusoid(self.mean_per_second, self.amplitude, self.period)


class ProfileWords(Words):
    """Constant within equal parts of the period, in proportion to `weights`."""

    process: Literal["profile"]
    weights: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1)]
    mean_per_second: Positive
    period: Seconds = 86400.0

    @model_validator(mode="after")
    def _some(self) -> "ProfileWords":
        if not any(self.weights):
            raise ValueError("all weights are 0; give at least one above 0")
        return self

    def value(self) -> arrivals.Arrivals:
        return arrivals.Profile(tuple(self.weights), self.mean_per_second, self.period)


AnyArrivals = Annotated[
    PoissonWords
    | RenewalWords
    | MmppWords
    | BatchPoissonWords
    | PoissonClassesWords
    | SinusoidWords
    | ProfileWords,
    Field(discriminator="process"),
]
