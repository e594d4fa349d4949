"""Knows what a report is made of, as values: headings, paragraphs, lists, tables and charts; and their Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text; a column whose name stands in `numbers` is set flush right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing; `name` is its file beside the Markdown, `says` what it shows in words."""

    name: str
    says: str
    svg: str


Block = Heading | Paragraph | Bullets | Table | Chart


def markdown(blocks: Sequence[Block]) -> str:
    """GitHub's Markdown; charts are links to files beside it."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {text}"
        case Paragraph(text):
            yield text
        case Bullets(items):
            yield from (f"- {item}" for item in items)
        case Table(header, rows, numbers):
            yield _row(header)
            yield _row(["---:" if name in numbers else "---" for name in header])
            yield from map(_row, rows)
        case Chart(name, says, _):
            yield f"![{says}]({name}.svg)"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
