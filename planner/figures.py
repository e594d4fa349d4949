"""Knows the names of figures: `p95_wait`, `mean_sojourn`, `share_within_2s`, `p99_wait_class1`, …"""

import re
from dataclasses import dataclass
from typing import Literal

from planner.errors import BadInput

SCALARS = {
    "p_block": "share of jobs lost because the room was full",
    "p_timeout": "share of jobs that gave up waiting",
    "util": "mean busy slots / slots",
    "throughput": "jobs served per second",
    "worst_bin": "0-based twenty-fourth of the period whose arrivals wait longest on average",
    "mean_slot_occupancy": "mean busy slots / slots, slots that share a core",
    "mean_service_stretched": "mean seconds a slot is held per job, slots that share a core",
    "max_throughput": "jobs per second that slots sharing a core can do at most",
    "mean_attempts": "attempts a job takes on average",
    "final_failure_ratio": "share of jobs whose last attempt failed",
}
SUBJECTS = (
    "wait",
    "sojourn",
    "wait_per_attempt",
    "wait_first_attempt",
    "wait_offered_capped",
    "completion_time",
    "batch_makespan",
)
_CLASS = re.compile(r"(.+)_class(\d+)")
_QUANTILE = re.compile(r"p(\d{1,2})(?:[._]?(\d+))?_(\w+)")
_WITHIN = re.compile(r"(?:share_within|p_wait_le)_(.+)s")


@dataclass(frozen=True, slots=True)
class Name:
    """A figure's name, read. `level` is the share below a quantile, or the seconds of `share_within`."""

    statistic: Literal["mean", "quantile", "prob", "share_within", "scalar"]
    subject: str
    level: float = 0.0
    priority_class: int | None = None
    worst_bin: bool = False

    @property
    def unit(self) -> str:
        """What is written behind the number."""
        return " s" if self.statistic in ("mean", "quantile") else ""


def read_name(text: str) -> Name:
    """The figure that `text` names. Raises BadInput for an unknown one."""
    if text in SCALARS or text == "utilisation":
        return Name("scalar", "util" if text == "utilisation" else text)
    if match := _CLASS.fullmatch(text):
        inner = read_name(match[1])
        return Name(inner.statistic, inner.subject, inner.level, int(match[2]), inner.worst_bin)
    if text.startswith("worst_bin_"):
        inner = read_name(text.removeprefix("worst_bin_"))
        return Name(inner.statistic, inner.subject, inner.level, inner.priority_class, True)
    return _read_statistic(text)


def _read_statistic(text: str) -> Name:
    if match := _WITHIN.fullmatch(text):
        return Name("share_within", "wait", float(match[1].replace("_", ".")))
    if text == "prob_wait":
        return Name("prob", "wait")
    if text.startswith("mean_") and text.removeprefix("mean_") in SUBJECTS:
        return Name("mean", text.removeprefix("mean_"))
    if (match := _QUANTILE.fullmatch(text)) and match[3] in SUBJECTS:
        return Name("quantile", match[3], float(f"0.{match[1]:0>2}{match[2] or ''}"))
    raise BadInput(f"{text}: no figure of that name; there are mean_, p95_ … of {', '.join(SUBJECTS)}")
