"""Knows laws and arrival processes as Markov phases, and what a crowd of such services looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb, sqrt

import numpy as np

from planner.exact.qbd import ArrivalPhases
from planner.laws.arrivals import Arrivals, Mmpp, Poisson, Renewal
from planner.laws.named import Exponential, Gamma, Law, Matrix, Mixture, Vector, is_whole_gamma

State = tuple[int, ...]
Leads = Callable[[State], list[tuple[State, float]]]

DEVIATIONS, MARGIN = 8.0, 12
# More stages than this are more than any chain here has states on one level.
MOST_STAGES = 2_000


@dataclass(frozen=True, slots=True)
class PhaseType:
    """Time until a Markov chain started by `start` leaves; `moves` are its rates, the diagonal negative."""

    start: Vector
    moves: Matrix

    @property
    def exits(self) -> Vector:
        return np.asarray(-self.moves.sum(axis=1))


def phase_type(law: Law) -> PhaseType | None:
    """The law as phases, or None where it has none."""
    if isinstance(law, Exponential):
        return PhaseType(np.ones(1), np.array([[-1.0 / law.mean]]))
    if isinstance(law, Gamma) and is_whole_gamma(law):
        stages = round(law.shape)
        if stages > MOST_STAGES:
            return None
        rate = stages / law.mean
        return PhaseType(np.eye(stages)[0], rate * (np.eye(stages, k=1) - np.eye(stages)))
    if isinstance(law, Mixture):
        return _mixed(law)
    return None


def _mixed(law: Mixture) -> PhaseType | None:
    parts = [phase_type(part) for part in law.laws]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    sizes = [len(part.start) for part in known]
    moves = np.zeros((sum(sizes), sum(sizes)))
    for part, first in zip(known, np.cumsum([0, *sizes]), strict=False):
        moves[first : first + len(part.start), first : first + len(part.start)] = part.moves
    start = np.concatenate([p * part.start for p, part in zip(law.p, known, strict=True)])
    return PhaseType(start, moves)


def arrival_phases(arrivals: Arrivals) -> ArrivalPhases | None:
    """The process as phases, or None where it has none."""
    if isinstance(arrivals, Poisson):
        return ArrivalPhases(np.array([[-arrivals.per_second]]), np.array([[arrivals.per_second]]))
    if isinstance(arrivals, Mmpp):
        rates, (first, second) = np.diag(arrivals.rates), arrivals.switch_per_second
        return ArrivalPhases(np.array([[-first, first], [second, -second]]) - rates, rates)
    if isinstance(arrivals, Renewal) and (interval := phase_type(arrivals.interval)) is not None:
        return ArrivalPhases(interval.moves, np.outer(interval.exits, interval.start))
    return None


def crowd_size(phases: int, slots: int) -> int:
    """States of `slots` busy slots when only the number in each phase counts."""
    return comb(slots + phases - 1, phases - 1)


@dataclass(frozen=True)
class Crowd:
    """Identical slots that each serve one job of a phase-type law.

    Only states near the usual share of each phase are kept: DEVIATIONS binomial deviations and a few jobs
    either side, which leaves out less than 1e-12 of the time and, below some 100 slots, nothing.
    """

    law: PhaseType
    slots: int

    @cached_property
    def _known(self) -> dict[int, dict[State, int]]:
        return {}

    @cached_property
    def _usual(self) -> Vector:
        """Share of each phase among busy slots."""
        seconds = np.linalg.solve(-self.law.moves.T, self.law.start)
        return np.asarray(seconds / seconds.sum())

    def states(self, busy: int) -> dict[State, int]:
        """Numbers of jobs in each phase, and their place in the matrices."""
        if busy not in self._known:
            kept = (state for state in _compositions(busy, len(self.law.start)) if self._likely(state, busy))
            self._known[busy] = {state: place for place, state in enumerate(kept)}
        return self._known[busy]

    def _likely(self, state: State, busy: int) -> bool:
        return all(
            abs(n - busy * share) <= DEVIATIONS * sqrt(busy * share * (1.0 - share)) + MARGIN
            for n, share in zip(state, self._usual, strict=True)
        )

    def enter(self, busy: int) -> Matrix:
        entries = self._rates(busy, busy + 1, lambda state: _entries(self.law, state))
        for edge in np.flatnonzero(entries.sum(axis=1) == 0.0):
            entries[edge, self._nearest(list(self.states(busy))[edge])] = 1.0
        return np.asarray(entries / entries.sum(axis=1, keepdims=True))

    def _nearest(self, state: State) -> int:
        """Where a state at the edge of those kept goes when no phase that jobs start in would keep it: no chain may
        lose who is in it.
        """
        busy = sum(state) + 1
        short = np.argsort(np.asarray(state) - busy * self._usual)
        near = (_changed(state, int(phase), 1) for phase in short)
        return next(self.states(busy)[one] for one in near if one in self.states(busy))

    def move(self, busy: int) -> Matrix:
        rates = self._rates(busy, busy, lambda state: _moves(self.law, state))
        return rates - np.diag(rates.sum(axis=1) + self.leave(busy).sum(axis=1))

    def leave(self, busy: int) -> Matrix:
        return self._rates(busy, busy - 1, lambda state: _exits(self.law, state))

    def _rates(self, busy: int, then: int, leads: Leads) -> Matrix:
        source, target = self.states(busy), self.states(then) if then >= 0 else {}
        rates = np.zeros((len(source), len(target)))
        for state, i in source.items():
            for reached, rate in leads(state):
                if reached in target:
                    rates[i, target[reached]] += rate
        return rates


def _compositions(total: int, parts: int) -> list[State]:
    """All ways to write `total` as `parts` ordered numbers >= 0 (stars and bars)."""
    bars = combinations(range(total + parts - 1), parts - 1)
    return [
        tuple(b - a - 1 for a, b in zip((-1, *bar), (*bar, total + parts - 1), strict=True)) for bar in bars
    ]


def _changed(state: State, phase: int, by: int) -> State:
    return (*state[:phase], state[phase] + by, *state[phase + 1 :])


def _entries(law: PhaseType, state: State) -> list[tuple[State, float]]:
    return [(_changed(state, j, 1), float(p)) for j, p in enumerate(law.start) if p > 0]


def _exits(law: PhaseType, state: State) -> list[tuple[State, float]]:
    exits = law.exits
    return [(_changed(state, j, -1), n * float(exits[j])) for j, n in enumerate(state) if n and exits[j] > 0]


def _moves(law: PhaseType, state: State) -> list[tuple[State, float]]:
    return [
        (_changed(_changed(state, i, -1), j, 1), n * float(law.moves[i, j]))
        for i, n in enumerate(state)
        if n
        for j in range(len(state))
        if i != j and law.moves[i, j] > 0
    ]
