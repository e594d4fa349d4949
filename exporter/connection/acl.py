"""This file knows the least Redis ACL that the exporter works with, in the words of Redis 7 and of Redis 6.2."""

from collections.abc import Sequence

from exporter.command_line import UsageError
from exporter.connection.rights import FEATURES, LEAST, OPTIONAL, acl_commands
from exporter.keys import subscription

# Redis 6.2 knows no rights for a sub-command of XINFO, and no read-only key patterns.
_REDIS_6 = {"+xinfo|stream": "+xinfo"}


def acl_line(
    user: str,
    prefixes: Sequence[str],
    *,
    least: bool = False,
    redis_6: bool = False,
    also: Sequence[str] = (),
) -> str:
    """One `ACL SETUSER` line; `also` names optional features. Raises UsageError for what no such line can hold."""
    for option, text in (("--user", user), *(("--prefix", prefix) for prefix in prefixes)):
        _check(option, text)
    standard = tuple(feature.name for feature in FEATURES if feature.name not in OPTIONAL)
    commands = acl_commands(LEAST if least else (*standard, *also))
    if redis_6:
        commands = tuple(_REDIS_6.get(command, command) for command in commands)
    # PSUBSCRIBE is granted letter by letter, so the pattern is the one that is subscribed to.
    patterns = [subscription(prefix.encode()).decode() for prefix in prefixes]
    keys = " ".join(f"{'~' if redis_6 else '%R~'}{pattern}" for pattern in patterns)
    channels = " ".join(f"&{pattern}" for pattern in patterns)
    # resetchannels must stand before the channels: Redis 6.2 begins with all of them.
    return f"ACL SETUSER {user} on >PASSWORD {keys} resetchannels {channels} -@all {' '.join(commands)}"


def _check(option: str, text: str) -> None:
    """Words of a line are told apart by spaces, and Redis takes none inside a pattern or a name."""
    if not text or not text.isprintable() or " " in text or '"' in text:
        raise UsageError(
            f"command line: {option} {text!r}: Redis allows no space, quote or control character here"
        )
