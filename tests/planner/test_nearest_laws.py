"""The nearest law of each kind: none on a fine grid of scipy's own laws is nearer, and together is as alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from planner.fit.buckets import nearest_laws
from planner.fit.nearest_laws import gap
from planner.fit.observed import Buckets

EDGES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
MEAN = 0.7
GRID = np.linspace(-3.9, 3.9, 3_000)


def of_values(values: np.ndarray) -> tuple[float, Buckets]:
    counts, _ = np.histogram(values, [0.0, *EDGES])
    return float(values.mean()), Buckets(EDGES, tuple(map(float, counts)))


@pytest.fixture(scope="module")
def samples() -> list[tuple[float, Buckets]]:
    random = np.random.default_rng(8)
    return [
        of_values(random.lognormal(np.log(MEAN) - 0.32, 0.8, 4_000)),
        of_values(random.gamma(3.0, MEAN / 3.0, 900)),
        of_values(random.weibull(0.6, 2_500) * MEAN),
        of_values(np.where(random.random(3_000) < 0.9, 0.2, 4.0) * random.exponential(1.0, 3_000)),
    ]


def cdf(kind: str, mean: float, log_scv: np.ndarray) -> np.ndarray:
    """Shares up to the edges by scipy's laws, a row for each variability of the grid."""
    edges, scv = np.array(EDGES[:-1]), np.exp(log_scv)[:, None]
    if kind == "gamma":
        return np.asarray(stats.gamma.cdf(edges, 1 / scv, scale=mean * scv))
    sigma = np.sqrt(np.log1p(scv))
    return np.asarray(stats.lognorm.cdf(edges, sigma, scale=mean / np.exp(sigma**2 / 2)))


@pytest.mark.parametrize("kind", ["gamma", "lognormal"])
def test_no_law_of_scipy_with_the_same_mean_is_nearer_to_the_buckets(
    samples: list[tuple[float, Buckets]], kind: str
) -> None:
    for (mean, buckets), laws in zip(samples, nearest_laws(samples), strict=True):
        edges = np.array(EDGES[:-1])
        seen = np.cumsum(buckets.counts)[:-1] / buckets.total
        gaps = np.abs(cdf(kind, mean, GRID) - seen).max(axis=1)
        assert float(gap(dict(laws)[kind], edges, seen)) <= gaps.min() + 1e-5


def test_laws_looked_for_together_are_those_of_each_histogram_alone(
    samples: list[tuple[float, Buckets]],
) -> None:
    assert nearest_laws(samples) == [nearest_laws([one])[0] for one in samples]


def test_a_law_that_was_found_has_the_mean_that_was_seen(samples: list[tuple[float, Buckets]]) -> None:
    for (mean, _), laws in zip(samples, nearest_laws(samples), strict=True):
        assert [law.mean for _, law in laws] == pytest.approx([mean] * 4, rel=1e-9)
