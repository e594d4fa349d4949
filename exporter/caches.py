"""This file knows the user's own caches in the same Redis: how many keys, how large, how long they live."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from exporter.connection.topology import Links
from exporter.connection.wire import Wire, pack
from exporter.settings import CacheSettings
from exporter.walk import ScanBudget, Walk

WALK_INTERVAL_SECONDS = 30.0
SAMPLE_MAX = 100
COUNTERS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CacheSnapshot:
    """One cache at the end of a walk; None is what was not permitted or is not counted."""

    keys: int | None = None
    sampled_keys: int = 0
    sampled_bytes: int | None = None
    sampled_ttl_seconds: float | None = None
    sampled_without_ttl: int | None = None
    hits: int | None = None
    misses: int | None = None


class CacheWatch:
    """Walks the keys of each cache in the background."""

    def __init__(self, settings: Mapping[str, CacheSettings], links: Links, random: Random) -> None:
        """`settings` are those of the caches that are to be watched."""
        self._settings = settings
        self._links = links
        self._random = random
        self._refused: dict[str, str] = {}
        self._caches: list[_Cache] = []
        self._next_counters = 0.0
        self.snapshots: dict[str, CacheSnapshot] = {}

    def renew(self, refused: dict[str, str], budgets: list[ScanBudget]) -> None:
        """The connections are new; walks begin anew, and nothing older is shown. One budget for each wire."""
        self._refused = refused
        self.snapshots = {}
        if "scan" not in refused:
            wires = self._links.wires
            self._caches = [_Cache(n, s, wires, budgets, self._random) for n, s in self._settings.items()]

    def pause(self) -> float:
        """Seconds until something is due."""
        return min((cache.pause() for cache in self._caches), default=1.0)

    def step(self, deadline: float) -> None:
        """Do what is due."""
        for cache in self._caches:
            if cache.step(deadline, with_clock="time" not in self._refused):
                self._take(cache, deadline)
        if self._settings and time.monotonic() >= self._next_counters:
            self._next_counters = time.monotonic() + COUNTERS_SECONDS
            for name, settings in self._settings.items():
                self._read_counters(name, settings, deadline)

    def forget(self) -> None:
        """A server is gone, so what was counted with it is no number of now."""
        self.snapshots = {}

    def _take(self, cache: "_Cache", deadline: float) -> None:
        sizes, lives = cache.measure(deadline)
        known_sizes = [size for size in sizes if isinstance(size, int) and size > 0]
        expiring = [life for life in lives if isinstance(life, int) and life >= 0]
        before = self.snapshots.get(cache.name, CacheSnapshot())
        self.snapshots[cache.name] = CacheSnapshot(
            keys=cache.counted,
            sampled_keys=len(lives),
            sampled_bytes=sum(known_sizes) if known_sizes or not sizes else None,
            sampled_ttl_seconds=float(sum(expiring)) if "ttl" not in self._refused else None,
            sampled_without_ttl=lives.count(-1) if "ttl" not in self._refused else None,
            hits=before.hits,
            misses=before.misses,
        )

    def _read_counters(self, name: str, settings: CacheSettings, deadline: float) -> None:
        hits, misses = (
            self._counter(settings.hits_key, deadline),
            self._counter(settings.misses_key, deadline),
        )
        have = self.snapshots.get(name, CacheSnapshot())
        if (have.hits, have.misses) != (hits, misses):
            self.snapshots[name] = replace(have, hits=hits, misses=misses)

    def _counter(self, key: str | None, deadline: float) -> int | None:
        if key is None:
            return None
        wire = self._links.wires[self._links.owner(key.encode())]
        reply = wire.call("GET", key, deadline=deadline)
        return int(reply) if isinstance(reply, bytes) and reply.isdigit() else None


class _Cache:
    """The walk through one cache, on each server in turn, with a random sample of its keys."""

    def __init__(
        self, name: str, settings: CacheSettings, wires: list[Wire], budgets: list[ScanBudget], random: Random
    ) -> None:
        self.name = name
        self.counted = 0
        self._random = random
        pattern = settings.pattern.encode()
        self._wires = wires
        self._walks = [
            Walk(w, pattern, b, WALK_INTERVAL_SECONDS) for w, b in zip(wires, budgets, strict=True)
        ]
        self._at = 0
        self._seen = 0
        self._sample: list[tuple[int, bytes]] = []
        self._measured: list[tuple[int, bytes]] = []

    def pause(self) -> float:
        return self._walks[self._at].pause()

    def step(self, deadline: float, *, with_clock: bool) -> bool:
        """One SCAN call if due; whether it completed the walk over all servers."""
        step = self._walks[self._at].step(deadline, with_clock=with_clock)
        if step is None:
            return False
        found, completed = step
        for key in found:
            self._keep(key)
        if not completed:
            return False
        self._at = (self._at + 1) % len(self._walks)
        if self._at != 0:
            return False
        self.counted, self._measured = self._seen, self._sample
        self._seen, self._sample = 0, []
        return True

    def _keep(self, key: bytes) -> None:
        """Reservoir sampling (Vitter's algorithm R): every key of the walk is as likely to be in the sample."""
        self._seen += 1
        if len(self._sample) < SAMPLE_MAX:
            self._sample.append((self._at, key))
        elif (place := self._random.randrange(self._seen)) < SAMPLE_MAX:
            self._sample[place] = (self._at, key)

    def measure(self, deadline: float) -> tuple[list[Any], list[Any]]:
        """STRLEN and TTL of the sample; errors (a key that is no string, no right) are left as they are."""
        sizes: list[Any] = []
        lives: list[Any] = []
        for index, wire in enumerate(self._wires):
            sample = [key for where, key in self._measured if where == index]
            packed = b"".join(pack(("STRLEN", key)) + pack(("TTL", key)) for key in sample)
            replies = wire.exchange(packed, 2 * len(sample), deadline) if sample else []
            sizes += replies[::2]
            lives += [life for life in replies[1::2] if life != -2]
        return sizes, lives
