"""This file knows what a histogram's buckets say: quantiles as Prometheus reads them, shares above an edge."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd


def quantile(probability: float, counts: Mapping[float, float]) -> float | None:
    """`counts` are cumulative by upper edge, the infinite one among them; None of nothing.

    Linear within a bucket, the last finite edge beyond it: what histogram_quantile() answers.
    """
    edges = sorted(counts)
    total = counts[edges[-1]] if edges else 0.0
    if not total > 0 or len(edges) < 2:
        return None
    rank = probability * total
    place = next(place for place, edge in enumerate(edges) if counts[edge] >= rank)
    if math.isinf(edges[place]):
        return edges[-2]
    low, below = (edges[place - 1], counts[edges[place - 1]]) if place else (0.0, 0.0)
    inside = counts[edges[place]] - below
    return edges[place] if inside <= 0 else low + (edges[place] - low) * (rank - below) / inside


def share_above(bound: float, counts: Mapping[float, float]) -> float | None:
    """The share of values above `bound`; None unless it is an edge, or of nothing."""
    total = counts.get(math.inf, 0.0)
    if bound not in counts or not total > 0:
        return None
    return max(0.0, 1.0 - counts[bound] / total)


def by_edge(row: "pd.Series[float]") -> dict[float, float]:
    """A row whose index is `le` as cumulative counts."""
    return {float(str(edge)): float(count) for edge, count in row.items() if not math.isnan(count)}


def quantiles(probability: float, buckets: pd.DataFrame) -> "pd.Series[float]":
    """The quantile at each time of a frame whose columns are `le`; NaN of nothing."""
    values = [quantile(probability, by_edge(row)) for _, row in _flat(buckets).iterrows()]
    return pd.Series([np.nan if value is None else value for value in values], buckets.index, dtype=float)


def _flat(buckets: pd.DataFrame) -> pd.DataFrame:
    return buckets.set_axis(buckets.columns.get_level_values("le"), axis=1)
