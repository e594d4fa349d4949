"""Cache hit ratios against caches that are really run."""

from collections import OrderedDict

import numpy as np
import pytest

from planner.exact.cache import hit_ratio, lru_hit_ratio, zipf


@pytest.mark.parametrize("renewed", ["write", "read"])
def test_a_cache_with_a_life_time_hits_as_often_as_one_that_is_run(renewed: str) -> None:
    times = np.cumsum(np.random.default_rng(1).standard_exponential(100_000)) / 0.02
    hits, expires = 0, -1.0
    for now in times.tolist():
        hit = now < expires
        hits += hit
        if not hit or renewed == "read":
            expires = now + 60.0
    assert hit_ratio(0.02, 60.0, renewed) == pytest.approx(hits / len(times), abs=0.006)  # type: ignore[arg-type]


def test_a_full_cache_hits_as_often_as_one_that_is_run() -> None:
    shares = zipf(2_000)
    keys = np.random.default_rng(2).choice(len(shares), 120_000, p=shares)
    cache: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in keys.tolist():
        hits += key in cache
        cache[key] = None
        cache.move_to_end(key)
        if len(cache) > 200:
            cache.popitem(last=False)
    assert lru_hit_ratio(shares, 200) == pytest.approx(hits / len(keys), abs=0.01)
