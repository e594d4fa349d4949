"""Knows what a verdict on a claim is."""

from dataclasses import dataclass
from typing import Literal

Answer = Literal["holds", "does not hold", "wrong question", "can't be known"]
# A verdict as its judge tells it: claim, answer, why.
Found = tuple[str, Answer, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was claimed, what comes out, and why in a sentence or two."""

    claim: str
    answer: Answer
    why: str
