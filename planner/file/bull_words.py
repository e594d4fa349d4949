"""Knows the words in which users ask for Bull's own options, and what is taken where they are silent."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema, field_validator

from planner import bull_options as options
from planner.file.law_words import LAW_OR_TIME, AnyLaw, ATime
from planner.file.words import Count, Seconds, SecondsOrZero, Share, Words
from planner.laws.named import Deterministic
from planner.simulation.bull_rules import joins_late, order_of_start

Library = Literal["bull3", "bull4", "bullmq1", "bullmq2", "bullmq3", "bullmq4", "bullmq5", "bullmq6"]
# The newest that is in wide use.
LIBRARY: Library = "bullmq5"
PERIOD_SECONDS = 86_400.0
# Bull's own bounds: BullMQ refuses a priority above 2**21.
Priority = Annotated[int, Field(ge=0, le=2_097_152)]
Children = Annotated[int, Field(ge=1, le=1000)]


def _share_of_all(given: Any) -> Any:
    """`true` is all, `false` none."""
    return float(given) if isinstance(given, bool) else given


_SHARE_OR_ALL = WithJsonSchema(
    {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "boolean"}]}
)
Part = Annotated[float, BeforeValidator(_share_of_all), Field(ge=0, le=1), _SHARE_OR_ALL]


class DelayedWords(Words):
    """Jobs added with a delay: which share, and how long (a duration, or a law)."""

    share: Share
    delay: Annotated[Annotated[AnyLaw, Tag("a law")] | ATime, LAW_OR_TIME]

    def value(self) -> options.Delayed | None:
        law = Deterministic(self.delay) if isinstance(self.delay, float) else self.delay.value()
        return options.Delayed(self.share, law) if self.share else None


class ChildrenWords(Words):
    """Flows: which share of what is added are parents, and how many children each brings, into which queue."""

    share: Share
    count: Children
    queue: Annotated[str | None, Field(description="another queue of the file (default: the same)")] = None

    def value(self) -> options.Children | None:
        return options.Children(self.share, self.count, self.queue) if self.share else None


class LostWords(Words):
    """Bull's settings for jobs whose worker is gone."""

    max_stalled_count: Annotated[int, Field(ge=0, le=1000)] = options.MOST_STALLS
    lock_duration: Seconds = options.LOCK_SECONDS
    stalled_interval: Seconds = options.CHECK_SECONDS
    restart: Annotated[SecondsOrZero, Field(description="until the slots of the worker are back")] = 0.0

    @property
    def settings(self) -> tuple[int, float, float, float]:
        return self.max_stalled_count, self.lock_duration, self.stalled_interval, self.restart

    def assumed(self, word: str) -> list[str]:
        """Each default that was taken."""
        plain = {
            "max_stalled_count": f"{self.max_stalled_count}",
            "lock_duration": f"{self.lock_duration:g} s",
            "stalled_interval": f"{self.stalled_interval:g} s",
            "restart": f"{self.restart:g} s",
        }
        return [f"{word}.{name}: {told}" for name, told in plain.items() if name not in self.model_fields_set]


class StallsWords(LostWords):
    """Single jobs that lose their worker: the ratio of starts that do."""

    ratio: Annotated[float, Field(ge=0, lt=1)]

    def value(self) -> options.Stalls | None:
        return options.Stalls(self.ratio, *self.settings) if self.ratio else None


class CrashesWords(LostWords):
    """Processes that crash with all their jobs: each so often on average."""

    every: Annotated[Seconds, Field(description="mean time that a process runs until it crashes")]

    def value(self) -> options.Crashes:
        return options.Crashes(self.every, *self.settings)


class PauseWords(Words):
    """The queue is paused for as long as it `lasts`, `at` that moment of every period."""

    lasts: Seconds
    at: SecondsOrZero = 0.0
    every: Seconds | None = None

    def value(self, period: float | None) -> options.Pause:
        """`period` is that of the arrivals, where they have one."""
        return options.Pause(self.every or period or PERIOD_SECONDS, self.at, self.lasts)

    def assumed(self, pause: options.Pause) -> list[str]:
        found = [] if "at" in self.model_fields_set else ["pause.at: 0 s"]
        return found if self.every else [*found, f"pause.every: {pause.period:g} s"]


class BullWords(Words):
    """What one queue asks of Bull beside retries and rate limit; all of it absent: jobs as the formulas take them."""

    library: Library | None = Field(None, description=f"whose rules hold (default: {LIBRARY})")
    priorities: dict[Priority, Share] | None = Field(
        None, description="share of the jobs with each value of Bull's priority; 0 is none"
    )
    lifo: Part | None = Field(None, description="share of the jobs added with lifo; true is all")
    delayed: DelayedWords | None = None
    children: ChildrenWords | None = None
    stalls: StallsWords | None = None
    crashes: CrashesWords | None = None
    pause: PauseWords | None = None
    global_concurrency: Count | None = Field(
        None, description="most jobs at a time over all workers (setGlobalConcurrency)"
    )

    @field_validator("priorities")
    @classmethod
    def _whole(cls, given: dict[int, float] | None) -> dict[int, float] | None:
        if given is not None and abs(sum(given.values()) - 1.0) > 1e-6:
            raise ValueError(f"the shares sum to {sum(given.values()):g}; they must sum to 1")
        return given

    @property
    def ruled(self) -> bool:
        """Whether the order of jobs is asked for, so that it matters whose rules hold."""
        given = (self.library, self.priorities, self.lifo, self.delayed, self.children)
        return any(word is not None for word in (*given, self.stalls, self.crashes))

    @property
    def family(self) -> tuple[str, int]:
        """`bullmq5` as ("bullmq", 5)."""
        name = self.library or LIBRARY
        return name.rstrip("0123456789"), int(name[-1])

    def value(self) -> options.JobOptions | None:
        if not self.ruled:
            return None
        given = {value: share for value, share in (self.priorities or {}).items() if share > 0.0}
        order = order_of_start(given, *self.family)
        return options.JobOptions(
            priorities=tuple((value, given[value] / sum(given.values())) for value in order),
            lifo=self.lifo or 0.0,
            delayed=self.delayed.value() if self.delayed else None,
            children=self.children.value() if self.children else None,
            stalls=self.stalls.value() if self.stalls else None,
            crashes=self.crashes.value() if self.crashes else None,
            late_due=joins_late(*self.family),
        )

    def assumed(self, pause: options.Pause | None) -> tuple[str, ...]:
        """Each default that was taken."""
        found = [f"library: {LIBRARY}"] if self.ruled and self.library is None else []
        found += self.stalls.assumed("stalls") if self.stalls else []
        found += self.crashes.assumed("crashes") if self.crashes else []
        found += self.pause.assumed(pause) if self.pause and pause else []
        return tuple(found)
