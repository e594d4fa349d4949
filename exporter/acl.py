"""This file knows the least Redis ACL that the exporter works with, in the words of Redis 7 and of Redis 6.2."""

from collections.abc import Sequence

from exporter.rights import FEATURES, LEAST, OPTIONAL, acl_commands

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
    """One `ACL SETUSER` line; `also` names optional features (`caches`, `databases`, `cluster`)."""
    standard = tuple(feature.name for feature in FEATURES if feature.name not in OPTIONAL)
    commands = acl_commands(LEAST if least else (*standard, *also))
    if redis_6:
        commands = tuple(_REDIS_6.get(command, command) for command in commands)
    keys = " ".join(f"{'~' if redis_6 else '%R~'}{prefix}:*" for prefix in prefixes)
    channels = " ".join(f"&{prefix}:*" for prefix in prefixes)
    # resetchannels must stand before the channels: Redis 6.2 begins with all of them.
    return f"ACL SETUSER {user} on >PASSWORD {keys} resetchannels {channels} -@all {' '.join(commands)}"
