"""Knows how the wait against the number of slots is drawn: one SVG, with the objective as a line across.

Waits span decades, so the scale is logarithmic; 1 ms and less stands on the floor.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt
import vl_convert

from planner.answers import duration

WIDTH, HEIGHT = 506, 222
# Fixed, so that the drawing is the same whatever fonts a machine has to measure texts with.
ROOM = {"left": 64, "right": 150, "top": 36, "bottom": 44}
FLOOR_SECONDS = 1e-3
# Told apart by colour-blind readers, and by their dashes in grey print (Okabe & Ito 2008).
COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#e69f00")
DASHES = ([1, 0], [7, 4], [2, 4], [9, 3, 2, 3])
OBJECTIVE, OBJECTIVE_TEXT, GREY, GREY_TEXT = "#d55e00", "#b34700", "#7a8794", "#51606e"
INK, GRID = "#1d2733", "#e3e8ec"
MOST_TICKS, LEGEND_LINE = 12, 20


@dataclass(frozen=True, slots=True)
class Line:
    """Waits in seconds by slots; None where the queue is unstable."""

    name: str
    waits: tuple[tuple[int, float | None], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A number of slots that has a name: today's, the proposed, the needed."""

    name: str
    slots: int


def draw(lines: Sequence[Line], marks: Sequence[Mark], objective_seconds: float | None, title: str) -> str:
    """One `<svg>` element."""
    axes = _Axes.of(lines, objective_seconds)
    chart = (
        alt.layer(*_lines(lines, axes), *_marks(marks, axes), *_objective(axes))
        .properties(
            width=WIDTH,
            height=HEIGHT,
            padding=ROOM,
            autosize=alt.AutoSizeParams(type="none"),
            title=alt.Title(title, anchor="start", frame="group", dx=8 - ROOM["left"], offset=14),
        )
        .configure(font="system-ui, sans-serif", background="white")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, labelFontSize=12, titleFontSize=12, titleFontWeight="normal"
        )
        .configure_title(fontSize=13, fontWeight="normal", color=INK)
    )
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


@dataclass(frozen=True, slots=True)
class _Axes:
    """Both axes reach over all that is drawn: whole numbers of slots, and powers of ten from the floor on."""

    fewest: int
    most: int
    decades: Sequence[float]
    objective_seconds: float | None

    @classmethod
    def of(cls, lines: Sequence[Line], objective_seconds: float | None) -> "_Axes":
        slots = [count for line in lines for count, _ in line.waits]
        waits = [wait for line in lines for _, wait in line.waits if wait is not None]
        highest = max([*waits, objective_seconds or 0.0, 10 * FLOOR_SECONDS])
        powers = range(round(math.log10(FLOOR_SECONDS)), math.ceil(math.log10(highest)) + 1)
        return cls(min(slots), max(slots), [10.0**power for power in powers], objective_seconds)

    @property
    def x(self) -> alt.X:
        step = max(1, math.ceil((self.most - self.fewest) / MOST_TICKS))
        scale = alt.Scale(domain=[self.fewest, self.most], nice=False)
        ticks = list(range(self.fewest, self.most + 1, step))
        return alt.X("slots:Q", title="slots", scale=scale).axis(values=ticks, format="d", grid=False)

    @property
    def y(self) -> alt.Y:
        scale = alt.Scale(type="log", domain=[self.decades[0], self.decades[-1]])
        seconds = (
            "datum.value < 1 ? format(datum.value * 1000, '~r') + ' ms' : format(datum.value, ',~r') + ' s'"
        )
        told = f"(datum.value == {FLOOR_SECONDS} ? '≤ ' : '') + ({seconds})"
        return alt.Y("wait:Q", title=None, scale=scale).axis(
            values=list(self.decades), labelExpr=told, gridColor=GRID, domain=False, ticks=False
        )

    def legend_top(self, lines: int) -> int:
        """At the half of the height in which the objective has not written its name."""
        low, high = math.log10(self.decades[0]), math.log10(self.decades[-1])
        is_high = self.objective_seconds and 2 * math.log10(self.objective_seconds) > low + high
        return HEIGHT - LEGEND_LINE * lines if is_high else 0


def _lines(lines: Sequence[Line], axes: _Axes) -> Iterator[alt.Chart]:
    rows = [
        {"slots": slots, "wait": max(wait, FLOOR_SECONDS), "load": line.name}
        for line in lines
        for slots, wait in line.waits
        if wait is not None
    ]
    names = [line.name for line in lines]
    legend = alt.Legend(
        title=None,
        orient="none",
        legendX=WIDTH + 18,
        legendY=axes.legend_top(len(names)),
        symbolType="stroke",
        symbolSize=500,
        labelFontSize=12,
        labelColor=INK,
    )
    colour, dash = (
        channel(
            "load:N", scale=alt.Scale(domain=names, range=[look[at % len(look)] for at in range(len(names))])
        )
        for channel, look in ((alt.Color, COLOURS), (alt.StrokeDash, DASHES))
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(axes.x, axes.y)
    yield base.mark_line(strokeWidth=2).encode(colour.legend(legend), dash.legend(legend))
    yield base.mark_circle(size=24, opacity=1).encode(colour.legend(None))


def _objective(axes: _Axes) -> Iterator[alt.Chart]:
    seconds = axes.objective_seconds
    if seconds is None:
        return
    rows = [{"wait": seconds, "told": f"objective {duration(seconds)}"}]
    base = alt.Chart(alt.InlineData(values=rows)).encode(axes.y)
    yield base.mark_rule(color=OBJECTIVE, strokeWidth=1.5, strokeDash=[6, 3])
    text = base.mark_text(x=WIDTH + 6, align="left", baseline="middle", fontSize=12, color=OBJECTIVE_TEXT)
    yield text.encode(text="told:N")


def _marks(marks: Sequence[Mark], axes: _Axes) -> Iterator[alt.Chart]:
    seen = [mark for mark in marks if axes.fewest <= mark.slots <= axes.most]
    rows = [
        {"slots": mark.slots, "name": mark.name, "height": 8 + 14 * number}
        for number, mark in enumerate(seen)
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(axes.x)
    yield base.mark_rule(color=GREY, strokeDash=[1, 3])
    text = base.mark_text(align="left", dx=4, fontSize=12, color=GREY_TEXT)
    yield text.encode(alt.Y("height:Q", scale=None), text="name:N")
