"""This file knows how answers are worked out beside the page: each once for all viewers, while the page goes on."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

Job = Callable[[], Any]
KEPT = 2_000
"""Answers kept for the next viewer; an answer is a small dictionary."""
MOST_VIEWERS = 100
"""Viewers whose questions are remembered; those who came longest ago have left or will ask again."""


class Work:
    """Answers by key. What a viewer no longer asks for is dropped, unless it has begun or another one waits for it."""

    def __init__(self, threads: int = os.cpu_count() or 1, kept: int = KEPT) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="plan")
        self._futures: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._wanted: OrderedDict[str, frozenset[Hashable]] = OrderedDict()
        self._lock = threading.Lock()
        self._kept = kept

    def answers(self, viewer: str, jobs: Mapping[Hashable, Job], seconds: float) -> dict[Hashable, Any]:
        """Those answers that are there within `seconds`; the others are worked on, and there at a later call.

        Jobs are begun in the order given. Raises what a job raised.
        """
        with self._lock:
            self._drop(viewer, frozenset(jobs))
            futures = {key: self._future(key, job) for key, job in jobs.items()}
            self._forget()
        wait(futures.values(), timeout=seconds)
        return {key: future.result() for key, future in futures.items() if future.done()}

    def known(self, keys: Iterable[Hashable]) -> dict[Hashable, Any]:
        """The answers among these that are there already. Raises what a job raised."""
        with self._lock:
            futures = {key: self._futures[key] for key in keys if key in self._futures}
        return {key: future.result() for key, future in futures.items() if future.done()}

    def _future(self, key: Hashable, job: Job) -> Future[Any]:
        if key not in self._futures:
            self._futures[key] = self._pool.submit(job)
        self._futures.move_to_end(key)
        return self._futures[key]

    def _drop(self, viewer: str, wanted: frozenset[Hashable]) -> None:
        stale = self._wanted.pop(viewer, frozenset()) - wanted
        self._wanted[viewer] = wanted
        while len(self._wanted) > MOST_VIEWERS:
            self._wanted.popitem(last=False)
        for key in stale.difference(*self._wanted.values()):
            if key in self._futures and self._futures[key].cancel():
                del self._futures[key]

    def _forget(self) -> None:
        """The answers that were asked for longest ago; viewers that have gone among them."""
        for key in list(self._futures)[: max(0, len(self._futures) - self._kept)]:
            if self._futures[key].done():
                del self._futures[key]
