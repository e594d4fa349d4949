"""Knows how a duration in a file is refused: as bad input of ours."""

from exporter import durations
from planner.errors import BadInput


def seconds(written: object) -> float:
    """Seconds from `2`, `0.5`, "800ms", "2s", "1m", "24h". Raises BadInput for anything else."""
    try:
        return durations.seconds(written)
    except ValueError as error:
        raise BadInput(str(error)) from None
