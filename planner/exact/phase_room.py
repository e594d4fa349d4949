"""Knows the chain of phases with finite room: who finds it full is lost (MAP/PH/c/K).

Level by level from the full room down, each level's generator censored on those above; no level is like another.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from planner.exact.mixture import ErlangMixture
from planner.exact.qbd import ArrivalPhases, ServicePhases, kron_sum, levels_below
from planner.laws.named import Matrix, Vector

_SMALL = 1e-13


@dataclass(frozen=True, slots=True)
class RoomResult:
    """The wait of those that get in, and the share that does not."""

    wait: ErlangMixture
    lost: float


def solve_room(arrivals: ArrivalPhases, service: ServicePhases, places: int) -> RoomResult:
    """Any load. `places` counts the slots too."""
    slots, phases = service.slots, np.eye(len(arrivals.quiet))
    move = service.move(slots)
    refill = service.leave(slots) @ service.enter(slots - 1)
    up, down = np.kron(arrivals.arriving, np.eye(len(move))), np.kron(phases, refill)
    local = kron_sum(arrivals.quiet, move)
    ratios: list[Matrix] = []
    censored = local + up  # who comes to a full room only moves the phase of the arrivals
    for _ in range(places - slots):
        ratios.append(linalg.solve(-censored.T, up.T).T)
        censored = local + ratios[-1] @ down
    levels = levels_below(arrivals, service, censored, 0)
    for ratio in reversed(ratios):
        levels.append(levels[-1] @ ratio)
    seen = [_seen(arrivals, level) for level in levels]
    come = sum(float(states.sum()) for states in seen)
    inside = seen[slots:-1] or [np.zeros(len(move))]
    accepted = come - float(seen[-1].sum())
    return RoomResult(_wait(np.array(inside) / accepted, move, refill), float(seen[-1].sum()) / come)


def _seen(arrivals: ArrivalPhases, level: Vector) -> Vector:
    """What the slots are doing when a job comes, as a rate."""
    return np.asarray(arrivals.arriving.sum(axis=1) @ level.reshape(len(arrivals.quiet), -1))


def _wait(ahead: Matrix, move: Matrix, refill: Matrix) -> ErlangMixture:
    """`ahead[k]`: who comes and starts after k + 1 completions. Every tick of the fastest clock: some complete."""
    rate = float(-move.diagonal().min())
    stay, complete = np.eye(len(move)) + move / rate, refill / rate
    above = [float(ahead.sum())]
    while above[-1] > _SMALL:
        done = ahead @ complete
        ahead = ahead @ stay
        ahead[:-1] += done[1:]
        above.append(float(ahead.sum()))
    return ErlangMixture(rate, np.array(above))
