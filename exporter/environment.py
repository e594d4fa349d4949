"""This file knows which option takes its value from which environment variable when it is not given."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from exporter.command_line import UsageError

LOG_LEVELS = ("debug", "info", "warning", "error")
VARIABLES = {
    "config": "BULLGAUGE_CONFIG",
    "redis": "BULLGAUGE_REDIS",
    "redis_password_file": "BULLGAUGE_REDIS_PASSWORD_FILE",
    "cluster": "BULLGAUGE_CLUSTER",
    "prefix": "BULLGAUGE_PREFIX",
    "queue": "BULLGAUGE_QUEUE",
    "collect": "BULLGAUGE_COLLECT",
    "log_level": "BULLGAUGE_LOG_LEVEL",
    "listen": "BULLGAUGE_LISTEN",
    "web_config": "BULLGAUGE_WEB_CONFIG",
    "state_file": "BULLGAUGE_STATE_FILE",
    "bucket": "BULLGAUGE_BUCKET",
}
REPEATABLE = ("prefix", "queue", "collect", "bucket")
"""Several values stand behind one another, with commas between."""
PATHS = ("config",)


def fill(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Give the options that the verb has and the user did not give their values; an empty variable is none.

    Raises UsageError.
    """
    for option, variable in VARIABLES.items():
        value = environment.get(variable)
        if value and hasattr(options, option) and getattr(options, option) is None:
            setattr(options, option, _value(option, value))
    if hasattr(options, "log_level"):
        options.log_level = _log_level(options.log_level or "info")


def _value(option: str, text: str) -> str | list[str] | Path:
    if option in REPEATABLE:
        return [part.strip() for part in text.split(",")]
    return Path(text) if option in PATHS else text


def _log_level(level: str) -> str:
    if level not in LOG_LEVELS:
        raise UsageError(f"{VARIABLES['log_level']} {level!r}: must be one of {', '.join(LOG_LEVELS)}")
    return level
