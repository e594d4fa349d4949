"""This file knows how a text is shown as it is: Markdown from elsewhere means nothing, a number keeps its unit."""

import re

_MEANT = re.compile(r"([\\`*_\[\]<>$!|~])")


def plain(text: str) -> str:
    """A picture in the words of a server would have the browser ask another host for it."""
    return _MEANT.sub(r"\\\1", text)


def unbroken(amount: str) -> str:
    """A number in a narrow cell, whose unit must not go on in the next line."""
    return amount.replace(" ", "\u00a0")
