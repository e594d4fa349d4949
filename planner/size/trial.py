"""Knows how to decide by a run of jobs whether a share of them waits too long, as short a run as the decision needs.

Beside it runs a queue that can be solved, on the same chance; how far that one strayed is taken out by regression.
"""

from dataclasses import dataclass, field

import numpy as np

from planner.acceleration import COMPILED
from planner.laws.named import Matrix, Vector
from planner.prediction import Figure
from planner.simulation.estimates import regression
from planner.size.screening import Screen, Verdict
from planner.size.trial_chance import LANES, STRETCHES, Chance
from planner.size.trial_run import BLOCK, Run

# The answer is read from this many parts of each lane.
SEGMENTS = 8
# Half widths of the 95 % band between the answer and what is allowed: wrong once in a thousand.
CLEAR = 1.6
# An answer known this well, as a part of what is allowed, decides by its middle.
SURE = 0.02


def decided(screen: Screen, slots: int, chance: Chance) -> Verdict:
    """Where the longest run can't tell for sure, the middle of its band decides. Without a compiler only the first
    stretch is run: a guess, from which `size` goes on.
    """
    forgotten = screen.forgotten_after(slots)
    controls = screen.likenesses(slots)
    laws = (screen.service, *(one.law for one in controls))
    queues = [Counted(Run(screen.arrival_rate, law, slots, chance), screen.seconds) for law in laws]
    truths = np.array([one.solved(np.array([screen.seconds]))[1] for one in controls])
    found = Figure(np.inf)
    for turn in range(STRETCHES if COMPILED else 1):
        for one in queues:
            one.go_on(turn)
        if not (queues[0].long_enough(forgotten) or turn == STRETCHES - 1 or not COMPILED):
            continue
        shares = np.array([one.shares(forgotten) for one in queues])
        found = regression((shares[1:] - truths[:, None]).T).figure(shares[0])
        if abs(found.value - screen.share) > CLEAR * found.half_width:
            break
        if found.half_width < SURE * screen.share:
            break
    return "holds" if found.value <= screen.share else "broken"


@dataclass
class Counted:
    """A run, and its jobs that waited longer than `seconds`, by block and lane."""

    run: Run
    seconds: float
    late: list[Matrix] = field(default_factory=list)

    def go_on(self, stretch: int) -> None:
        self.late.append(self.run.late(stretch, self.seconds))

    @property
    def rows(self) -> int:
        return BLOCK * sum(map(len, self.late))

    def long_enough(self, forgotten: float) -> bool:
        return self.rows >= 10.0 * forgotten

    def shares(self, forgotten: float) -> Vector:
        """Of each part, the start left out."""
        return np.asarray(parts(np.concatenate(self.late), forgotten / BLOCK).mean(axis=1) / BLOCK)


def parts(rows: Matrix, forgotten: float) -> Matrix:
    """One row a part: what LANES columns hold after as many rows as the queue remembers its start, cut in SEGMENTS."""
    warmup = min(max(forgotten, len(rows) / 20), len(rows) / 2)
    each = int(len(rows) - warmup) // SEGMENTS
    kept = rows[len(rows) - each * SEGMENTS :]
    return np.ascontiguousarray(kept.reshape(SEGMENTS, each, LANES).swapaxes(1, 2)).reshape(-1, each)
