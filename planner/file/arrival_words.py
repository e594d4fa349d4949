"""Knows the words in which users and reference files write how jobs arrive."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.file.law_words import AnyLaw
from planner.file.words import Count, FromZero, Positive, Seconds, Share, Words, shares_of
from planner.laws import arrivals
from planner.laws import named as known


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

    @model_validator(mode="after")
    def _apart(self) -> "RenewalWords":
        if self.interval.value().mean == 0.0:
            raise ValueError("the intervals are 0 s; give a law with a mean above 0")
        return self

    def value(self) -> arrivals.Arrivals:
        law = self.interval.value()
        if isinstance(law, known.Exponential):
            return arrivals.Poisson(1.0 / law.mean)
        return arrivals.Renewal(law)


class MmppWords(Words):
    """Two Poisson rates; `switch_per_second` are the rates from the first to the second and back."""

    process: Literal["mmpp"]
    per_second: Annotated[list[FromZero], Field(min_length=2, max_length=2)]
    switch_per_second: Annotated[list[Positive], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _some(self) -> "MmppWords":
        if not any(self.per_second):
            raise ValueError("both rates are 0; give at least one above 0")
        return self

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
        shares_of(self.p, len(self.sizes))
        return self

    def value(self) -> arrivals.Arrivals:
        return arrivals.BatchPoisson(
            self.batches_per_second, tuple(self.sizes), shares_of(self.p, len(self.sizes))
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
    weights: Annotated[list[FromZero], Field(min_length=1)]
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
