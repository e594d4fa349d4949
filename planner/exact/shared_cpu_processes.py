"""Knows slots in several processes that each share their own cores: a job goes where most slots are free."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations_with_replacement, groupby, product
from math import comb, prod

import numpy as np

from planner.laws.named import Matrix

# Busy slots of each process, and how many of their jobs compute; of processes of one size the order means nothing.
State = tuple[tuple[int, int], ...]
Leads = Callable[[State], Iterator[tuple[State, float]]]


def sizes_of(slots: int, processes: int) -> tuple[int, ...]:
    """Slots of each process that has any, those with one more first."""
    share, more = divmod(slots, processes)
    return (share + 1,) * more + ((share,) * (processes - more) if share else ())


def count_states(sizes: tuple[int, ...]) -> int:
    """Of all levels together."""
    alike = ((size, len(list(group))) for size, group in groupby(sizes))
    return prod(comb((size + 1) * (size + 2) // 2 + count - 1, count) for size, count in alike)


@dataclass(frozen=True)
class SharedCpuProcesses:
    """Both stages are exponential; of processes with equally many free slots each is as likely to take the job."""

    sizes: tuple[int, ...]
    io_seconds: float
    cpu_seconds: float
    cores: float = 1.0

    @property
    def slots(self) -> int:
        return sum(self.sizes)

    def enter(self, busy: int) -> Matrix:
        return self._rates(busy, busy + 1, self._entries)

    def move(self, busy: int) -> Matrix:
        rates = self._rates(busy, busy, self._moves)
        return rates - np.diag(rates.sum(axis=1) + self.leave(busy).sum(axis=1))

    def leave(self, busy: int) -> Matrix:
        return self._rates(busy, busy - 1, self._exits)

    def _entries(self, state: State) -> Iterator[tuple[State, float]]:
        free = [size - busy for size, (busy, _) in zip(self.sizes, state, strict=True)]
        chosen = [place for place, count in enumerate(free) if count == max(free)]
        for place in chosen:
            yield self._changed(state, place, 1, 0), 1.0 / len(chosen)

    def _moves(self, state: State) -> Iterator[tuple[State, float]]:
        for place, (busy, computing) in enumerate(state):
            if busy > computing:
                yield self._changed(state, place, 0, 1), (busy - computing) / self.io_seconds

    def _exits(self, state: State) -> Iterator[tuple[State, float]]:
        for place, (_, computing) in enumerate(state):
            if computing:
                yield self._changed(state, place, -1, -1), min(computing, self.cores) / self.cpu_seconds

    def _changed(self, state: State, place: int, busy: int, computing: int) -> State:
        changed = list(state)
        changed[place] = (state[place][0] + busy, state[place][1] + computing)
        larger = self.sizes.count(self.sizes[0])
        return (*sorted(changed[:larger]), *sorted(changed[larger:]))

    @cached_property
    def _levels(self) -> list[dict[State, int]]:
        """The states with so many busy slots, and their places in the matrices."""
        found: list[dict[State, int]] = [{} for _ in range(self.slots + 1)]
        groups = []
        for size, alike in groupby(self.sizes):
            one = [(busy, computing) for busy in range(size + 1) for computing in range(busy + 1)]
            groups.append(list(combinations_with_replacement(one, len(list(alike)))))
        for parts in product(*groups):
            state = tuple(chain(*parts))
            level = found[sum(busy for busy, _ in state)]
            level[state] = len(level)
        return found

    def _rates(self, busy: int, then: int, leads: Leads) -> Matrix:
        target = self._levels[then] if then >= 0 else {}
        rates = np.zeros((len(self._levels[busy]), len(target)))
        for state, place in self._levels[busy].items():
            for reached, rate in leads(state):
                rates[place, target[reached]] += rate
        return rates
