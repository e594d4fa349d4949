"""This file knows the files that a plan can be taken away as: the planner's YAML, and its report for people."""

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.plan.document import Document, read
from planner.report.blocks import Block, Chart, Paragraph, markdown
from planner.report.chapters import TITLE, report
from planner.report.page import page
from planner.report.study import slots_when_varied, study


def report_blocks(document: Document) -> tuple[Block, ...]:
    """The planner's report on the plan. Raises BadInput."""
    file = read(document, "plan")
    return report(study(file, _each), slots_when_varied(file, _each))


def _each(things: Sequence[Any], answer: Callable[[Any], Any]) -> list[Any]:
    return [answer(thing) for thing in things]


def as_markdown(blocks: Sequence[Block]) -> str:
    """One file: each chart is told in words."""
    return markdown([Paragraph(block.says) if isinstance(block, Chart) else block for block in blocks])


def as_html(blocks: Sequence[Block]) -> str:
    """One page with its charts inside."""
    return page(TITLE, blocks)
