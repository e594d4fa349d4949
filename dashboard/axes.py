"""This file knows how the marks of an axis are written: days and hours of 24, thousands as such, nothing as 0."""

import altair as alt

DAYS = alt.Axis(
    grid=False, labelOverlap=True, format="%a %d %b", tickCount=alt.TimeIntervalStep(interval="day", step=1)
)
"""Of weeks. Vega's own marks are `12 PM`, and `December` for its first day."""
MOMENTS = alt.Axis(labelOverlap=True, format="%d %b %H:%M")

THOUSANDS = "datum.value ? datum.label : replace(datum.label, /[a-zµ]/i, '')"
"""Of marks such as `20k`: `0k` would be no more than `0`."""
