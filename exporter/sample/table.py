"""This file knows how a sample is laid out as a table for a person, however wide the terminal is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from textwrap import wrap

from exporter.notices import one_line
from exporter.sample import text
from exporter.sample.health import Health, Severity, judge, ready
from exporter.sample.reading import Sample, Seen
from exporter.sample.text import UNKNOWN

NAME_COLUMNS = (16, 48)
"""A name is shortened to the second always, to the first rather than a column left out."""
NAME_LEAST = 8
INLINE_SPARE = 4
"""Columns that are left out rather than having two lines a queue are those of this `spare` and more."""
GAP = "  "
MARKS = {Severity.WRONG: "!! ", Severity.HELD: "!  ", Severity.FINE: "   "}
MARK_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table and how serious it is; None for lines that are not about one queue."""

    text: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the first to go where the terminal is narrow has the largest `spare`."""

    title: str
    cell: Callable[[Health, Seen | None], str]
    spare: int
    when_empty: bool = False
    """Whether it stays when it says nothing of any queue."""


COLUMNS = (
    Column("waiting", lambda h, _: text.number(h.queue.waiting), 0, True),
    Column("prioritized", lambda h, _: text.number(h.queue.prioritized), 3),
    Column("paused", lambda h, _: text.number(h.queue.paused), 2),
    Column("active", lambda h, _: text.number(h.queue.active), 0, True),
    Column("delayed", lambda h, _: text.number(h.queue.delayed), 5, True),
    Column("children", lambda h, _: text.number(h.queue.waiting_children), 6),
    Column("failed", lambda h, _: text.number(h.queue.failed), 4, True),
    Column("completed", lambda h, _: text.number(h.queue.completed), 8, True),
    Column("workers", lambda h, _: _workers(h), 1, True),
    Column("oldest wait", lambda h, _: _oldest(h), 0, True),
)
SEEN_COLUMNS = (
    Column("done since", lambda _, s: UNKNOWN if s is None else text.number(s.completed), 4, True),
    Column("failed since", lambda _, s: UNKNOWN if s is None else text.number(s.failed), 4, True),
    Column("wait p95", lambda _, s: _wait(s), 7, True),
)
_SAYS_NOTHING = ("0", "")


def table(sample: Sample, address: str, columns: int | None, rows: int | None = None) -> list[Line]:
    """The whole table in at most `columns` columns and `rows` lines, each None for as many as it takes."""
    healths = judge(sample)
    above = _wrapped(_head(sample, address, healths), columns)
    body, left_out = _body(sample, healths, columns) if healths else ([], "")
    foot = [*([left_out] if left_out else []), *_foot(sample, healths)]
    below = _wrapped(["", *foot] if foot else [], columns)
    if rows is not None and len(above) + len(body) + len(below) > rows:
        body = _cut(body, max(2, rows - len(above) - len(below)))
    lines = [*above, *body, *below]
    return lines if columns is None else [replace(line, text=_clipped(line.text, columns)) for line in lines]


def _wrapped(lines: Iterable[str], columns: int | None) -> list[Line]:
    """Sentences over as many lines as they need."""
    return [Line(part) for line in lines for part in (wrap(line, columns) if columns and line else [line])]


def _head(sample: Sample, address: str, healths: list[Health]) -> list[str]:
    server = sample.redis.server
    facts = [f"{datetime.fromtimestamp(sample.at, UTC):%H:%M:%S} UTC", address]
    if server is not None and server.version:
        facts.append(f"server {server.version}")
    if server is not None and server.memory_bytes is not None:
        most = f" of {text.size(server.memory_max_bytes)}" if server.memory_max_bytes else ""
        policy = f" ({server.eviction_policy})" if most and server.eviction_policy else ""
        facts.append(f"memory {text.size(server.memory_bytes)}{most}{policy}")
    if server is not None and server.clients is not None:
        most = f" of {server.clients_max:,}" if server.clients_max else ""
        facts.append(f"connections {server.clients:,}{most}")
    return [", ".join(facts), _summary(sample, healths), ""]


def _summary(sample: Sample, healths: list[Health]) -> str:
    if not healths:
        return f"no queue{_so_far(sample)}"
    wrong = sum(health.severity is Severity.WRONG for health in healths)
    held = sum(health.severity is Severity.HELD for health in healths)
    queues = f"{len(healths):,} queue{'' if len(healths) == 1 else 's'}"
    so_far = _so_far(sample)
    waiting, active = sum(ready(h.queue) for h in healths), sum(h.queue.active or 0 for h in healths)
    jobs = f"{waiting:,} job{'' if waiting == 1 else 's'} ready, {active:,} active"
    return f"{queues}{so_far}: {wrong:,} wrong (!!), {held:,} held back (!); {jobs}"


def _so_far(sample: Sample) -> str:
    """What marks numbers as those of a part."""
    if sample.unreached:
        primaries = "primary" if len(sample.unreached) == 1 else "primaries"
        return f" without those of {len(sample.unreached)} {primaries} that can't be reached"
    return "" if sample.redis.queues_complete else " found so far"


def _foot(sample: Sample, healths: list[Health]) -> list[str]:
    lines = [f"not reached, so its queues are missing: {one_line(reason)}" for reason in sample.unreached]
    if sample.refused:
        names = ", ".join(sorted(sample.refused))
        lines.append(
            f"{UNKNOWN} unknown: Redis refuses {names}; bullgauge-exporter doctor says what to grant"
        )
    if sample.unnamed_workers:
        lines.append(
            f"{sample.unnamed_workers:,} connections wait for jobs under no name: workers of some queue"
        )
    lines += [f"not read: {one_line(error)}" for error in sample.errors[:5]]
    if healths and not sample.seen:
        lines.append("Durations need events, so one look has none: --watch shows waits since its start.")
    return lines


def _body(sample: Sample, healths: list[Health], width: int | None) -> tuple[list[Line], str]:
    """The rows with their titles, and a line that names the columns for which there was no room."""
    grid = _Grid.of(sample, healths)
    fitted = grid if width is None else grid.fitted(width)
    dropped = [column.title for column in grid.columns if column not in fitted.columns]
    left_out = f"no room for {', '.join(dropped)}: a wider terminal, or --json, shows them" if dropped else ""
    return fitted.rows(width), left_out


def _says_something(column: Column, healths: list[Health], sample: Sample) -> bool:
    cells = (column.cell(health, sample.seen.get(health.queue.name)) for health in healths)
    return column.when_empty or any(cell not in _SAYS_NOTHING for cell in cells)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Queues by columns; what is wrong stands in the same line where there is room, else in a line below."""

    healths: list[Health]
    names: list[str]
    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]
    """The cells of each column, its title first."""
    inline: bool = True

    @classmethod
    def of(cls, sample: Sample, healths: list[Health]) -> "_Grid":
        possible = (*COLUMNS, *(SEEN_COLUMNS if sample.seen else ()))
        columns = tuple(column for column in possible if _says_something(column, healths, sample))
        with_prefix = len({health.queue.name.prefix for health in healths}) > 1
        names = [text.queue(health.queue.name, with_prefix=with_prefix) for health in healths]
        cells = tuple(
            (column.title, *(column.cell(health, sample.seen.get(health.queue.name)) for health in healths))
            for column in columns
        )
        return cls(healths, names, columns, cells)

    def fitted(self, width: int) -> "_Grid":
        """Without the columns that have no room; the most telling ones stay, if need be with two lines a queue."""
        grid = self
        for inline, spare_least in ((True, INLINE_SPARE), (False, 1)):
            grid = replace(self, inline=inline)
            while (
                grid.least_width > width
                and (most := max(column.spare for column in grid.columns)) >= spare_least
            ):
                grid = grid._without(next(c for c in grid.columns if c.spare == most))
            if grid.least_width <= width:
                break
        return grid

    def _without(self, column: Column) -> "_Grid":
        place = self.columns.index(column)
        return replace(
            self,
            columns=self.columns[:place] + self.columns[place + 1 :],
            cells=self.cells[:place] + self.cells[place + 1 :],
        )

    @property
    def least_width(self) -> int:
        """The width with names shortened as far as they may be."""
        name = min(NAME_COLUMNS[0], max(text.width(name) for name in self.names))
        return self._fixed_width + max(name, len("queue"))

    @property
    def _fixed_width(self) -> int:
        said = max(text.width(_said(health)) for health in self.healths) if self.inline else 0
        return MARK_COLUMNS + sum(len(GAP) + w for w in self._widths) + (len(GAP) + said if said else 0)

    @property
    def _widths(self) -> list[int]:
        return [max(text.width(cell) for cell in column) for column in self.cells]

    def rows(self, width: int | None) -> list[Line]:
        """The titles and the queues, as lines."""
        room = NAME_COLUMNS[1]
        if width is not None:
            room = min(room, max(NAME_LEAST, width - self._fixed_width))
        names = ["queue", *(text.shortened(name, room) for name in self.names)]
        name_width = max(text.width(name) for name in names)
        widths = self._widths
        lines: list[Line] = []
        for health, name, row in zip(
            [None, *self.healths], names, zip(*self.cells, strict=True), strict=True
        ):
            mark = " " * MARK_COLUMNS if health is None else MARKS[health.severity]
            numbers = [GAP + text.padded(c, w, right=True) for c, w in zip(row, widths, strict=True)]
            lines += self._lines(mark + text.padded(name, name_width) + "".join(numbers), health)
        return lines

    def _lines(self, line: str, health: Health | None) -> list[Line]:
        if health is None:
            return [Line(line)]
        said = _said(health)
        if self.inline:
            return [Line(f"{line}{GAP}{said}".rstrip(), health.severity)]
        below = [Line(" " * 5 + said, health.severity)] if said else []
        return [Line(line.rstrip(), health.severity), *below]


def _cut(body: list[Line], rows: int) -> list[Line]:
    """The titles and the worst queues; how many lines there are besides."""
    kept = body[: rows - 1]
    return [*kept, Line(f"  {text.ELLIPSIS} {len(body) - len(kept):,} lines more, none of them worse")]


def _said(health: Health) -> str:
    return ", ".join(health.problems)


def _workers(health: Health) -> str:
    if health.workers is None:
        return UNKNOWN
    full = health.workers.saturated
    return f"{health.workers.workers:,}" + (f" ({full:,} full)" if full else "")


def _oldest(health: Health) -> str:
    if health.oldest_waiting_seconds is not None:
        return text.age(health.oldest_waiting_seconds)
    return UNKNOWN if ready(health.queue) or health.queue.waiting is None else ""


def _wait(seen: Seen | None) -> str:
    if seen is None:
        return UNKNOWN
    if seen.wait_p95_at_most is None:
        return ""
    return "beyond" if seen.wait_p95_at_most == float("inf") else f"≤{text.duration(seen.wait_p95_at_most)}"


def _clipped(line: str, columns: int) -> str:
    return line if text.width(line) <= columns else text.shortened(line, columns)
