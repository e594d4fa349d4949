"""This file knows which requests come from a proxy that is trusted and has named somebody; others get no further."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.settings import Network

PEER_ONLY = {"FORWARDED_ALLOW_IPS": ""}
"""For the server's environment: else it takes the address in X-Forwarded-For for that of who is connected."""


class NamedByProxy:
    """Refuses everything but `open_paths` to whom the connection does not come from a trusted proxy with the header.

    That a request has the header says nothing by itself: whoever reaches the dashboard past the proxy can send it.
    """

    def __init__(
        self,
        app: ASGIApp,
        header: str,
        trusted: Sequence[Network],
        open_paths: Sequence[str],
        say: Callable[[str], None],
    ) -> None:
        self._app = app
        self._header = header.lower().encode("latin-1")
        self._trusted = tuple(trusted)
        self._open_paths = frozenset(open_paths)
        self._say = say
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = "" if self._is_open(scope) else self._refusal(scope)
        if not why:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(f"bullgauge-dashboard: {why}\n", 403)(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        return scope["type"] == "lifespan" or scope.get("path") in self._open_paths

    def _refusal(self, scope: Scope) -> str:
        peer = str((scope.get("client") or ("unknown", 0))[0])
        if not _is_in(peer, self._trusted):
            self._tell(peer)
            return f"only for whom a trusted proxy names; {peer} is none"
        named = [value for name, value in scope["headers"] if name == self._header]
        if len(named) == 1 and named[0].strip():
            return ""
        header = self._header.decode("latin-1")
        if named:
            return f"the header {header} must come once, with a name, from the proxy; let it drop what others send"
        return f"only for whom the proxy names: it has sent no header {header}"

    def _tell(self, peer: str) -> None:
        """Once for each address, so that who runs it knows what to trust."""
        if peer not in self._told and len(self._told) < 100:
            self._told.add(peer)
            self._say(f"refused {peer}: no trusted proxy; if it is yours: --trusted-proxy {peer}")


def _is_in(peer: str, networks: Sequence[Network]) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
