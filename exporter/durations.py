"""This file knows how durations are written: plain seconds, or a number with ms, s, m, h, d."""

import re

SECONDS_PER_UNIT = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_WRITTEN = re.compile(r"\s*(-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(ms|s|min|m|h|d)?\s*")


def seconds(written: object) -> float:
    """Seconds from `2`, `0.5`, "800ms", "2s", "1m", "24h". Raises ValueError for anything else."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written)
    match = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"{written!r} is not a duration: write seconds (2) or a unit (800ms, 2s, 1m)")
    return float(match[1]) * SECONDS_PER_UNIT[match[2] or "s"]
