"""Knows the words in which users and reference files write laws of service times and intervals."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Discriminator, Field, Tag, model_validator
from scipy import optimize, special

from planner.file.words import Count, FromZero, Positive, Seconds, SecondsOrZero, Share, Words, shares_of
from planner.laws import named as known

# A law whose squared coefficient of variation is below the first is a constant. One above the second is made by so few
# jobs that no run knows its waits.
NARROWEST, WIDEST = 1e-9, 1e5
# Words that say the same of a law may differ so much: they are rounded.
ROUNDED = 1e-3


def _one_of(words: BaseModel, *groups: tuple[str, ...]) -> tuple[str, ...]:
    """The first group of fields that are all given. Raises ValueError when none is."""
    for group in groups:
        if all(getattr(words, field) is not None for field in group):
            return group
    raise ValueError(f"give {' or '.join(' and '.join(group) for group in groups)}")


def _agreed(words: BaseModel, law: known.Law, own: Mapping[str, float]) -> None:
    """Raises ValueError for a law that no run knows, or a word more than it needs that says otherwise."""
    with np.errstate(over="ignore", invalid="ignore"):
        variability = known.scv(law)
    if not variability <= WIDEST:
        raise ValueError(
            f"squared coefficient of variation {variability:.3g}; at most {WIDEST:,.0f} can be told, check the units"
        )
    for word, told in {"mean": law.mean, "scv": variability, **own}.items():
        given = getattr(words, word, None)
        if given is not None and abs(given - told) > ROUNDED * abs(told) + NARROWEST:
            raise ValueError(
                f"{word} {given:g} contradicts the other words, which make it {told:.4g}; leave one out"
            )


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
        if None not in (self.value_, self.mean) and self.value_ != self.mean:
            raise ValueError(
                f"value {self.value_:g} and mean {self.mean:g}; a constant has one, leave one out"
            )
        return self

    def value(self) -> known.Law:
        return known.Deterministic(self.mean if self.value_ is None else self.value_)  # type: ignore[arg-type]


class ErlangWords(Words):
    """The sum of `k` equal exponentials."""

    law: Literal["erlang"]
    k: Count
    mean: Seconds

    def value(self) -> known.Law:
        return _gamma(float(self.k), self.mean)


def _gamma(shape: float, mean: float) -> known.Law:
    return known.Deterministic(mean) if shape * NARROWEST > 1.0 else known.Gamma(shape, mean)


class HyperexponentialWords(Words):
    """One of several exponentials, chosen with shares `p`."""

    law: Literal["hyperexponential"]
    p: list[Share]
    means: Annotated[list[Seconds], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> "HyperexponentialWords":
        shares_of(self.p, len(self.means))
        return self

    def value(self) -> known.Law:
        return known.Mixture(shares_of(self.p, len(self.means)), tuple(map(known.Exponential, self.means)))


class LognormalWords(Words):
    """`mean` and `scv`, or `median` and `sigma`."""

    law: Literal["lognormal"]
    mean: Seconds | None = None
    scv: FromZero | None = None
    median: Seconds | None = None
    sigma: FromZero | None = None

    @model_validator(mode="after")
    def _given(self) -> "LognormalWords":
        _one_of(self, ("mean", "scv"), ("median", "sigma"), ("mean", "sigma"))
        law = self.value()
        if isinstance(law, known.Lognormal):
            _agreed(self, law, {"median": float(law.upper_quantile(0.5)), "sigma": law.sigma})
        return self

    def value(self) -> known.Law:
        sigma = self.sigma if self.scv is None else float(np.sqrt(np.log1p(self.scv)))
        assert sigma is not None
        if sigma**2 < NARROWEST:
            return known.Deterministic(self.median or self.mean or 0.0)
        if self.median is not None:
            return known.Lognormal(float(np.log(self.median)), sigma)
        return known.Lognormal(float(np.log(self.mean or 0.0)) - sigma**2 / 2, sigma)


class GammaWords(Words):
    """`mean` with `scv` or `shape`, or `shape` and `scale`."""

    law: Literal["gamma"]
    mean: Seconds | None = None
    scv: FromZero | None = None
    shape: Positive | None = None
    scale: Seconds | None = None

    @model_validator(mode="after")
    def _given(self) -> "GammaWords":
        _one_of(self, ("mean", "scv"), ("mean", "shape"), ("shape", "scale"))
        law = self.value()
        if isinstance(law, known.Gamma):
            _agreed(self, law, {"shape": law.shape, "scale": law.mean / law.shape})
        return self

    def value(self) -> known.Law:
        if self.shape is None and self.scv is not None and self.scv < NARROWEST:
            return known.Deterministic(self.mean or 0.0)
        shape = self.shape or 1.0 / (self.scv or 1.0)
        return _gamma(shape, self.mean or shape * (self.scale or 1.0))


class WeibullWords(Words):
    """`shape` with `scale` or `mean`, or `mean` and `scv`."""

    law: Literal["weibull"]
    shape: Positive | None = None
    scale: Seconds | None = None
    mean: Seconds | None = None
    scv: FromZero | None = None

    @model_validator(mode="after")
    def _given(self) -> "WeibullWords":
        _one_of(self, ("shape", "scale"), ("shape", "mean"), ("mean", "scv"))
        law = self.value()
        if isinstance(law, known.Weibull):
            _agreed(self, law, {"shape": law.shape, "scale": law.scale})
        return self

    def value(self) -> known.Law:
        if self.shape is None and self.scv is not None and self.scv < NARROWEST:
            return known.Deterministic(self.mean or 0.0)
        shape = self.shape or _weibull_shape(self.scv or 1.0)
        return known.Weibull(
            shape, self.scale or (self.mean or 1.0) / float(special.gamma(1.0 + 1.0 / shape))
        )


def _weibull_shape(scv: float) -> float:
    """The shape with the given squared coefficient of variation."""

    def excess(log_shape: float) -> float:
        k = np.exp(log_shape)
        return float(special.gammaln(1.0 + 2.0 / k) - 2.0 * special.gammaln(1.0 + 1.0 / k) - np.log1p(scv))

    return float(np.exp(optimize.brentq(excess, np.log(0.05), np.log(1e6))))


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
        _agreed(self, self.value(), {})
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
        shares_of(self.p, len(self.values))
        if not any(self.values):
            raise ValueError("all values are 0; give at least one above 0")
        return self

    def value(self) -> known.Law:
        pairs = sorted(zip(self.values, shares_of(self.p, len(self.values)), strict=True))
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
        shares_of(self.p, len(self.laws))
        return self

    def value(self) -> known.Law:
        return known.Mixture(shares_of(self.p, len(self.laws)), tuple(law.value() for law in self.laws))


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


AnyService = Annotated[AnyLaw | IoThenCpuWords, Field(discriminator="law")]


def _law_or_time(given: Any) -> str:
    return "a law" if isinstance(given, dict | Words) else "a time"


# Where a time may stand in place of a law, mistakes are told of the one that was meant.
LAW_OR_TIME = Discriminator(_law_or_time)
ATime = Annotated[Seconds, Tag("a time")]
