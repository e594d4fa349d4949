"""Knows how the wait against the number of slots is drawn: one SVG, with the objective as a line across.

Waits span decades, so the scale is logarithmic; 1 ms and less stands on the floor.
"""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 34, 44
FLOOR_SECONDS = 1e-3
# Told apart by colour-blind readers, and by their dashes in grey print (Okabe & Ito 2008).
COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#e69f00")
DASHES = ("", "7 4", "2 4", "9 3 2 3")


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
    scale = _Scale.of(lines, objective_seconds)
    parts = [
        _text(8, 16, title),
        *_axes(scale),
        *(part for number, line in enumerate(lines) for part in _line(scale, line, number)),
        *(_objective(scale, objective_seconds) if objective_seconds else ()),
        *_marks(scale, marks),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#1d2733"><title>{html.escape(title)}</title>'
        + "".join(parts)
        + "</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    fewest: int
    most: int
    top_seconds: float

    @classmethod
    def of(cls, lines: Sequence[Line], objective_seconds: float | None) -> "_Scale":
        slots = [count for line in lines for count, _ in line.waits]
        waits = [wait for line in lines for _, wait in line.waits if wait is not None]
        highest = max([*waits, objective_seconds or 0.0, 10 * FLOOR_SECONDS])
        return cls(min(slots), max(slots), 10.0 ** math.ceil(math.log10(highest)))

    def x(self, slots: float) -> float:
        inside = (slots - self.fewest) / max(self.most - self.fewest, 1)
        return LEFT + inside * (WIDTH - LEFT - RIGHT)

    def y(self, seconds: float) -> float:
        decades = math.log10(self.top_seconds / FLOOR_SECONDS)
        height = math.log10(max(seconds, FLOOR_SECONDS) / FLOOR_SECONDS) / decades
        return HEIGHT - BOTTOM - height * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#1d2733") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def _axes(scale: _Scale) -> Iterator[str]:
    seconds = FLOOR_SECONDS
    while seconds <= scale.top_seconds * 1.001:
        y = scale.y(seconds)
        yield _rule(LEFT, y, WIDTH - RIGHT, y, 'stroke="#e3e8ec"')
        told = f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
        yield _text(LEFT - 8, y + 4, f"≤ {told}" if seconds == FLOOR_SECONDS else told, "end")
        seconds *= 10
    step = max(1, math.ceil((scale.most - scale.fewest) / 12))
    for slots in range(scale.fewest, scale.most + 1, step):
        yield _text(scale.x(slots), HEIGHT - BOTTOM + 18, str(slots), "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "slots", "middle")


def _line(scale: _Scale, line: Line, number: int) -> Iterator[str]:
    known = [(scale.x(slots), scale.y(wait)) for slots, wait in line.waits if wait is not None]
    if not known:
        return
    colour = COLOURS[number % len(COLOURS)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
    dash = f' stroke-dasharray="{DASHES[number % len(DASHES)]}"' if number else ""
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in known)
    legend = TOP + 12 + 18 * number
    style = f'stroke="{colour}" stroke-width="2"{dash}'
    yield _rule(WIDTH - RIGHT + 12, legend - 4, WIDTH - RIGHT + 42, legend - 4, style)
    yield _text(WIDTH - RIGHT + 48, legend, line.name)


def _objective(scale: _Scale, seconds: float) -> Iterator[str]:
    y = scale.y(seconds)
    yield _rule(LEFT, y, WIDTH - RIGHT, y, 'stroke="#d55e00" stroke-width="1.5" stroke-dasharray="6 3"')
    told = f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
    yield _text(WIDTH - RIGHT + 6, y + 4, f"objective {told}", colour="#b34700")


def _marks(scale: _Scale, marks: Sequence[Mark]) -> Iterator[str]:
    for number, mark in enumerate(mark for mark in marks if scale.fewest <= mark.slots <= scale.most):
        x = scale.x(mark.slots)
        yield _rule(x, TOP, x, HEIGHT - BOTTOM, 'stroke="#7a8794" stroke-dasharray="1 3"')
        yield _text(x + 4, TOP + 11 + 14 * number, mark.name, colour="#51606e")
