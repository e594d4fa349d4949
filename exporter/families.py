"""This file knows how values become the text of a page, in the text format and in OpenMetrics.

prometheus-client's generate_latest takes 5 µs a sample; a thousand queues have 50,000. Here a sample is one formatted
string. tests/exporter/test_families.py parses pages back and has the library write them again: the same samples.
"""

import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate

from exporter.catalogue import METRICS, Kind, Metric
from exporter.following.tally import Histogram

Labels = str
"""Rendered labels without braces, such as `queue="email",state="waiting"`."""


def escape(value: str) -> str:
    """A label value as both formats want it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def labels(pairs: Mapping[str, str]) -> Labels:
    return ",".join(f'{name}="{escape(value)}"' for name, value in pairs.items())


class Page:
    """Samples gathered by family, in any order; rendered in the catalogue's order."""

    def __init__(self) -> None:
        self._lines: defaultdict[str, list[str]] = defaultdict(list)
        self._edges: dict[tuple[float, ...], list[str]] = {}

    def add(self, metric: Metric, rendered: Labels, value: float | None) -> None:
        """One sample; None (unknown) is left out."""
        if value is not None:
            self._lines[metric.name].append(
                f"{metric.name}{{{rendered}}} {value}\n" if rendered else f"{metric.name} {value}\n"
            )

    def add_histogram(self, metric: Metric, rendered: Labels, histogram: Histogram) -> None:
        comma = "," if rendered else ""
        start = f'{metric.name}_bucket{{{rendered}{comma}le="'
        counts = list(accumulate(histogram.counts))
        lines = [
            f"{start}{edge}{count}\n" for edge, count in zip(self._le(histogram.edges), counts, strict=True)
        ]
        end = f"{{{rendered}}} " if rendered else " "
        lines.append(f"{metric.name}_sum{end}{histogram.sum}\n{metric.name}_count{end}{counts[-1]}\n")
        self._lines[metric.name].extend(lines)

    def render(self, *, openmetrics: bool) -> bytes:
        """The whole page in UTF-8."""
        page = io.BytesIO()  # so that no second copy of a long page is ever there
        for metric in METRICS:
            if metric.name in self._lines:
                page.write(_encoded([_head(metric, openmetrics=openmetrics), *self._lines[metric.name]]))
        if openmetrics:
            page.write(b"# EOF\n")
        return page.getvalue()

    def _le(self, edges: tuple[float, ...]) -> Sequence[str]:
        """The end of each bucket sample's labels, made once a page for each set of edges."""
        texts = self._edges.get(edges)
        if texts is None:
            texts = [f'{_go_float(edge)}"}} ' for edge in (*edges, float("inf"))]
            self._edges[edges] = texts
        return texts


def _encoded(lines: list[str]) -> bytes:
    return "".join(lines).encode("utf-8", "backslashreplace")


def _head(metric: Metric, *, openmetrics: bool) -> str:
    name = metric.name
    if openmetrics and metric.kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    text = metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n"


def _go_float(value: float) -> str:
    """A positive bucket edge as Prometheus' own libraries write it: `1.0`, `1.048576e+06`, `+Inf`.

    The same as prometheus-client's floatToGoString (tests/exporter/test_families.py), whose import alone would cost
    the sidecar 3 MB.
    """
    text = repr(value) if value != math.inf else "+Inf"
    point = text.find(".")
    if point <= 6:
        return text
    mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{point - 1:02d}"
