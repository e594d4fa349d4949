"""This file knows how numbers are written for people: units, three figures, and a dash where nothing is known."""

import math
from decimal import Decimal

NOTHING = "—"


def digits(value: float, count: int = 3) -> str:
    """So many figures that tell, and never an exponent: `1,010`, `0.000012`."""
    return f"{Decimal(f'{value:.{count}g}'):,f}"


def jobs(count: float | None) -> str:
    """`12,345`; small fractions as they are."""
    if count is None or math.isnan(count):
        return NOTHING
    return f"{count:,.0f}" if abs(count) >= 10 else digits(count, 2)


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
    return f"{digits(percent, 2 if abs(percent) < 10 else 3)} %"


def times(ratio: float) -> str:
    """`1.0`, `0.42`, `6.7`, `120`: how often one goes into another."""
    return f"{Decimal(f'{ratio:#.2g}'):,f}" if ratio else "0"


def seconds(value: float | None) -> str:
    """`45 ms`, `1.5 s`, `12 min`, `3.2 h`, `4 d`."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "without end"
    rounded = float(f"{value:.3g}")  # so that 999.9 ms are 1 s
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if abs(rounded) >= size:
            return f"{digits(rounded / size)} {unit}"
    return f"{digits(rounded * 1000)} ms" if value else "0 s"


def size(byte_count: float | None) -> str:
    """`512 B`, `1.5 MiB`."""
    if byte_count is None or math.isnan(byte_count):
        return NOTHING
    value = byte_count
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{digits(value)} {unit}" if unit != "B" else f"{value:.0f} B"
