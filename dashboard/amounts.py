"""This file knows how numbers are written for people: units, three figures, and a dash where nothing is known."""

import math

NOTHING = "—"


def jobs(count: float | None) -> str:
    """`12,345`; small fractions as they are."""
    if count is None or math.isnan(count):
        return NOTHING
    return f"{count:,.0f}" if abs(count) >= 10 or count == round(count) else f"{count:.1f}"


def counted(count: int, what: str) -> str:
    """`1 slot`, `2 slots`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def per_hour(rate: float | None) -> str:
    return NOTHING if rate is None or math.isnan(rate) else f"{jobs(rate)} /h"


def share(ratio: float | None) -> str:
    """`4.2 %`, `0.013 %`; 100 % only when it is."""
    if ratio is None or math.isnan(ratio):
        return NOTHING
    percent = 100 * ratio
    if percent == 0 or abs(percent) >= 99.95:
        return f"{percent:.4g} %" if percent < 100 else f"{percent:,.0f} %"
    return f"{percent:.2g} %" if abs(percent) < 10 else f"{percent:.3g} %"


def seconds(value: float | None) -> str:
    """`45 ms`, `1.5 s`, `12 min`, `3.2 h`, `4 d`."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "without end"
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1000:.3g} ms" if value else "0 s"


def size(byte_count: float | None) -> str:
    """`512 B`, `1.5 MiB`."""
    if byte_count is None or math.isnan(byte_count):
        return NOTHING
    value = byte_count
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.3g} {unit}" if unit != "B" else f"{value:.0f} B"
