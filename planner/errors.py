"""Knows how a question that can't be answered says so: one line with where, which value, which rule."""

from exporter.command_line import UsageError


class BadInput(UsageError):  # noqa: N818 - reads as what it says
    """What was given can't be used. The message is one line and starts with the path of the field."""
