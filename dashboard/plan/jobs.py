"""This file knows what a plan on the screen asks of the planner, in the order in which a person wants to see it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from dashboard.plan.answers import Row, answered_soon, goal, slots_needed_soon, slots_to_draw, wait_by_slots
from planner import answers
from planner.file.queue_file import AskedFile, AskedQueue

Job = Callable[[], Any]
Key = tuple[Hashable, ...]
MOST_QUEUES = 20
"""Queues that are answered at once: the chosen one, then those with the most work."""


def answer_key(queue: AskedQueue, surely: bool) -> Key:
    return "answer", surely, queue.name, repr(queue.question), repr(queue.objective)


def needed_key(queue: AskedQueue) -> Key:
    return "needed", queue.name, repr(queue.question), repr(queue.objective)


def point_key(queue: AskedQueue, figure: str, slots: int) -> Key:
    return "point", figure, slots, repr(queue.question)


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of one look: queues of a plan, the curve of the chosen one as it is and as it was turned."""

    file: AskedFile
    chosen: AskedQueue | None = None
    before: AskedQueue | None = None
    surely: bool = False
    more: tuple[AskedQueue, ...] = ()
    counts: tuple[int, ...] = ()
    queues: tuple[AskedQueue, ...] = ()
    """The chosen one and the busiest of the plan."""

    def jobs(self) -> dict[Hashable, Job]:
        """By key, in order: the chosen queue and its curve before all others."""
        first = [queue for queue in (self.chosen, self.before) if queue is not None]
        found: dict[Hashable, Job] = {}
        self._add_answers(found, first)
        for queue in first[:1]:
            found.setdefault(needed_key(queue), partial(slots_needed_soon, queue))
        for queue in first:
            figure, _ = goal(first[0])
            for slots in self.counts:
                found.setdefault(
                    point_key(queue, figure, slots), partial(wait_by_slots, queue, figure, (slots,))
                )
        self._add_answers(found, (*self.queues, *self.more))
        for queue in self.queues:
            found.setdefault(needed_key(queue), partial(slots_needed_soon, queue))
        return found

    @property
    def own_keys(self) -> frozenset[Hashable]:
        """Of all that is told of the chosen queue alone."""
        return frozenset(replace(self, queues=(), more=()).jobs())

    @property
    def plan_keys(self) -> frozenset[Hashable]:
        """Of the queues of the plan."""
        answers_ = {answer_key(queue, self.surely) for queue in self.queues}
        return frozenset(answers_ | {needed_key(queue) for queue in self.queues})

    @property
    def more_keys(self) -> frozenset[Hashable]:
        """Of the queues of the fleets beside each other."""
        return frozenset(answer_key(queue, self.surely) for queue in self.more)

    def _add_answers(self, found: dict[Hashable, Job], queues: Sequence[AskedQueue]) -> None:
        answer = answers.predicted if self.surely else answered_soon
        for queue in queues:
            found.setdefault(answer_key(queue, self.surely), partial(answer, queue))

    def curve(self, queue: AskedQueue, known: Mapping[Hashable, Any]) -> pd.DataFrame:
        """The points that are known by now."""
        figure, _ = goal(self.chosen or queue)
        points = [known[key] for slots in self.counts if (key := point_key(queue, figure, slots)) in known]
        return pd.concat(points, ignore_index=True) if points else pd.DataFrame()

    def rows(self, queues: Sequence[AskedQueue], known: Mapping[Hashable, Any]) -> dict[str, Row]:
        """Answers by queue, those that are known by now."""
        keys = {queue.name: answer_key(queue, self.surely) for queue in queues}
        return {name: known[key] for name, key in keys.items() if key in known}

    @property
    def first_key(self) -> Key | None:
        """Of the answer that a person waits for: the chosen queue, as it is turned."""
        return answer_key(self.chosen, self.surely) if self.chosen is not None else None

    def needed(self, known: Mapping[Hashable, Any]) -> dict[str, int | None]:
        keys = {queue.name: needed_key(queue) for queue in self.queues}
        return {name: known[key] for name, key in keys.items() if key in known}


def busiest(queues: Sequence[AskedQueue], chosen: AskedQueue | None = None) -> tuple[AskedQueue, ...]:
    """At most MOST_QUEUES by their work, in the order of the plan; the chosen one is among them."""
    rest = sorted(queues, key=lambda queue: -queue.question.workload.offered_load)
    names = {queue.name for queue in ([chosen] if chosen else []) + rest[:MOST_QUEUES]}
    return tuple(queue for queue in queues if queue.name in names)


def asked(
    file: AskedFile, chosen: str | None, before: AskedFile, surely: bool, more: Sequence[AskedQueue] = ()
) -> Asked:
    """The questions on `file`, which was `before` before anything was turned."""
    now = next((queue for queue in file.queues if queue.name == chosen), None)
    was = next((queue for queue in before.queues if queue.name == chosen), None)
    was = None if was == now else was
    counts = slots_to_draw([queue for queue in (now, was) if queue is not None]) if now else []
    return Asked(file, now, was, surely, tuple(more), tuple(counts), busiest(file.queues, now))
