"""Knows what a report advises for each queue: how many slots, and whether that can wait until the peak."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from planner.report.study import Row, Study
from planner.report.words import listed

Step = Literal["raise now", "raise before the peak", "lower", "keep", "slots don't help"]
# Up to so many times the slots needed at the largest load are left alone: that is no waste worth a change.
AMPLE = 2


@dataclass(frozen=True, slots=True)
class Advice:
    """`slots` is what to go to, None where no number is enough."""

    queue: str
    step: Step
    proposed: int
    slots: int | None
    in_the_way: str

    def told(self) -> str:
        match self.step:
            case "raise now":
                return f"raise to {self.slots} now"
            case "raise before the peak":
                return f"enough now, raise to {self.slots} before the peak"
            case "lower":
                return f"can be lowered to {self.slots}"
            case "keep":
                return "keep"
            case "slots don't help":
                return f"slots don't help; the {self.in_the_way} is in the way"


def advices(study: Study, varied: Mapping[str, int | None]) -> tuple[Advice, ...]:
    """One a queue. Where the file does not say how the work varies, the slots of strongly varied work are advised."""
    return tuple(
        _advice(row, [one.needed[row["name"]] for one in study.loads], _if_varied(row, varied))
        for row in study.given.proposed
    )


def _if_varied(row: Row, varied: Mapping[str, int | None]) -> int | None:
    """A law of work that the file gives is taken at its word."""
    is_assumed = any(text.startswith("service:") for text in row["assumed"])
    return varied.get(row["name"]) if is_assumed else None


def _advice(row: Row, needed: Sequence[int | None], varied: int | None) -> Advice:
    most, first, proposed = needed[-1], needed[0], row["slots"]
    if most is None:
        return Advice(row["name"], "slots don't help", proposed, None, row["ceiling_set_by"])
    safe = max(most, varied or 0)
    if proposed < (first or 0):
        step: Step = "raise now"
    elif proposed < most:
        step = "raise before the peak"
    else:
        step = "lower" if proposed > AMPLE * safe else "keep"
    return Advice(row["name"], step, proposed, proposed if step == "keep" else safe, row["ceiling_set_by"])


def steps(found: Sequence[Advice], peak: str) -> Iterator[str]:
    """What to do, the most pressing first."""
    by_step: dict[Step, list[Advice]] = {}
    for one in found:
        by_step.setdefault(one.step, []).append(one)
    told: dict[Step, str] = {
        "raise now": "**Raise now**: {}. They do not meet the objective at this load.",
        "slots don't help": "**Not a matter of slots**: {}. The reason stands in the table below.",
        "raise before the peak": f"**Raise before {peak} comes**: {{}}. They are enough now and too few then.",
        "lower": f"**Can be lowered**: {{}}. Enough for {peak}; more costs memory and connections for no shorter wait.",
        "keep": "**Keep**: {}.",
    }
    for step, text in told.items():
        if step in by_step:
            yield text.format(listed(map(_change, by_step[step])))


def _change(one: Advice) -> str:
    if one.slots is None or one.slots == one.proposed:
        return f"{one.queue} ({one.proposed})"
    return f"{one.queue} ({one.proposed} → {one.slots})"
