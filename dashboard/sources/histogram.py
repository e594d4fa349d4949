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


def quantiles(probability: float, buckets: pd.DataFrame) -> "pd.Series[float]":
    """The quantile at each time of a frame whose columns are `le`; NaN of nothing."""
    edges = np.array([float(edge) for edge in buckets.columns.get_level_values("le")])
    order = np.argsort(edges)
    edges, counts = edges[order], buckets.to_numpy(dtype=float)[:, order]
    found = np.full(len(counts), np.nan)
    unknown = np.isnan(counts)
    # Buckets come and go together, so a row that lacks some is rare and may take its time.
    for row in np.flatnonzero(unknown.any(axis=1) & ~unknown.all(axis=1)):
        known = {edge: count for edge, count in zip(edges, counts[row], strict=True) if not math.isnan(count)}
        found[row] = np.nan if (value := quantile(probability, known)) is None else value
    whole = ~unknown.any(axis=1)
    if len(edges) > 1 and whole.any():
        found[whole] = _rows(probability, edges, counts[whole])
    return pd.Series(found, buckets.index)


def _rows(probability: float, edges: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`quantile` of each row at once."""
    rank = probability * counts[:, -1]
    place = (counts >= rank[:, None]).argmax(axis=1)
    rows = np.arange(len(counts))
    low = np.where(place > 0, edges[place - 1], 0.0)
    below = np.where(place > 0, counts[rows, place - 1], 0.0)
    inside = counts[rows, place] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(inside > 0, low + (edges[place] - low) * (rank - below) / inside, edges[place])
    values = np.where(np.isinf(edges[place]), edges[-2], within)
    return np.where(counts[:, -1] > 0, values, np.nan)
