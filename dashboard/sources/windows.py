"""This file knows in which windows a counter is asked for over long steps, and how these become the steps again.

Where the only exporter moved or began anew within a window, a part of that window is guessed or lost. So a long step is
added up from windows as narrow as the planner's: what is lost of one hardly counts.
"""

import math

import pandas as pd

from dashboard.sources.source import Span
from planner.fit.steps_of_range import SCRAPES_A_STEP, WIDEST_SECONDS, WINDOWS


def windows(span: Span, scrape_seconds: float) -> int:
    """How many a step is asked in; a total, which is one long step, in as many as the planner asks a range in."""
    wanted = math.ceil(span.step_seconds / WIDEST_SECONDS)
    if span.steps == 1 and span.step_seconds >= WIDEST_SECONDS:
        wanted = max(wanted, WINDOWS)
    return max(1, min(wanted, int(span.step_seconds / (SCRAPES_A_STEP * scrape_seconds))))


def narrowed(span: Span, each: int) -> Span:
    """The span with so many steps for each of its own."""
    return Span(span.end_seconds - span.seconds, span.end_seconds, span.step_seconds / each)


def added_up(narrow: pd.DataFrame, span: Span, each: int) -> pd.DataFrame:
    """The steps of the span; one of which no window is known is not known."""
    whole = narrow.groupby([place for place in range(span.steps) for _ in range(each)]).sum(min_count=1)
    made = whole.set_axis(span.times)
    made.attrs = dict(narrow.attrs)
    return made
