"""Knows what all words of the file share: an unknown one is a mistake, durations are seconds, values are checked.

The classes are the input's schema (pydantic); each turns itself into the planner's own value.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from planner import fleet, workload
from planner.file.durations import seconds

# Back-off that doubles more often than this no longer ends within what a float holds.
MOST_ATTEMPTS = 1000
# In the schema a duration is what planner/file/durations.py reads.
_WRITTEN = {"type": "string", "pattern": r"^\s*[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?\s*(ms|s|min|m|h|d)?\s*$"}
_ABOVE_0 = WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _WRITTEN]})
_FROM_0 = WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, _WRITTEN]})


def _a_number(given: object) -> object:
    """Pydantic would take `true` as 1."""
    if isinstance(given, bool):
        raise ValueError("is no number")
    return given


Number = BeforeValidator(_a_number)
Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0, allow_inf_nan=False), _ABOVE_0]
SecondsOrZero = Annotated[float, BeforeValidator(seconds), Field(ge=0, allow_inf_nan=False), _FROM_0]
Positive = Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]
FromZero = Annotated[float, Number, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Number, Field(ge=0, le=1)]
Count = Annotated[int, Number, Field(ge=1)]


class Words(BaseModel):
    """Unknown words are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def shares_of(p: list[float] | None, count: int) -> tuple[float, ...]:
    """`p` scaled to sum exactly 1; equal shares when absent."""
    if p is None:
        return (1.0 / count,) * count
    if len(p) != count:
        raise ValueError(f"p has {len(p)} shares for {count} values; give one each")
    if abs(sum(p) - 1.0) > 1e-6:
        raise ValueError(f"the shares p sum to {sum(p):g}; they must sum to 1")
    return tuple(share / sum(p) for share in p)


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
    attempts: Annotated[Count, Field(le=MOST_ATTEMPTS)]
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
