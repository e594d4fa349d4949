"""Knows a report as one HTML page: styles and charts inside, nothing fetched, readable when printed."""

import re
from collections.abc import Sequence

import jinja2
from markupsafe import Markup, escape

from planner.report.blocks import Block

_MARKS = ((re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"), (re.compile("`(.+?)`"), r"<code>\1</code>"))


def page(title: str, blocks: Sequence[Block]) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("planner"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["inline"] = inline
    template = environment.get_template("report.html.j2")
    return template.render(title=title, blocks=[(type(block).__name__, block) for block in blocks])


def inline(text: str) -> Markup:
    """Text with `code` and **strong** of Markdown; all else in it is text."""
    safe = str(escape(text))
    for pattern, replacement in _MARKS:
        safe = pattern.sub(replacement, safe)
    return Markup(safe)
