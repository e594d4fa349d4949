"""Knows a report as one HTML page: styles and charts inside, nothing fetched, readable when printed."""

import html
import re
from collections.abc import Iterator, Sequence

from planner.blocks import Block, Bullets, Chart, Heading, Paragraph, Table

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2733; max-width: 60rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin-top: 2.4rem; border-bottom: 1px solid #d5dbe1; }
h3 { font-size: 1.05rem; margin-bottom: .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .8rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #e3e8ec; }
th { border-bottom: 2px solid #9aa7b3; font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:first-child { min-width: 9rem; }
code { font: .9em ui-monospace, monospace; }
figure { margin: 1rem 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; max-width: 46rem; }
figcaption { font-size: .88rem; color: #51606e; }
@media (max-width: 44rem) { table { display: block; overflow-x: auto; } }
@media print {
  body { font-size: 10.5pt; margin: 0; max-width: none; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
}
"""
_MARKS = ((re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"), (re.compile("`(.+?)`"), r"<code>\1</code>"))


def page(title: str, blocks: Sequence[Block]) -> str:
    """The whole page."""
    body = "\n".join(part for block in blocks for part in _parts(block))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"<h{level}>{inline(text)}</h{level}>"
        case Paragraph(text):
            yield f"<p>{inline(text)}</p>"
        case Bullets(items):
            yield "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
        case Table():
            yield from _table(block)
        case Chart(_, says, svg):
            yield f"<figure>{svg}<figcaption>{inline(says)}</figcaption></figure>"


def _table(table: Table) -> Iterator[str]:
    kinds = [' class="number"' if name in table.numbers else "" for name in table.header]
    yield "<table>"
    yield _cells("th", kinds, table.header)
    for row in table.rows:
        yield _cells("td", kinds, row)
    yield "</table>"


def _cells(tag: str, kinds: Sequence[str], cells: Sequence[str]) -> str:
    filled = zip(kinds, cells, strict=True)
    return "<tr>" + "".join(f"<{tag}{kind}>{inline(cell)}</{tag}>" for kind, cell in filled) + "</tr>"


def inline(text: str) -> str:
    """Text with `code` and **strong** of Markdown."""
    safe = html.escape(text, quote=False)
    for pattern, replacement in _MARKS:
        safe = pattern.sub(replacement, safe)
    return safe
