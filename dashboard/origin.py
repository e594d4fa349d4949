"""This file knows which pages may ask for figures: those of the dashboard's own address, and no other site's."""

from collections.abc import Callable
from urllib.parse import urlsplit

import streamlit as st
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnPages:
    """Refuses the stream to a page of another address; answers its other requests as if it had not said whose it is.

    Streamlit would look at such an address for longer: it asks a host on the internet which address this machine has
    there. Nothing is to be asked of another host.
    """

    def __init__(self, app: ASGIApp, say: Callable[[str], None]) -> None:
        self._app = app
        self._say = say
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin, host = _header(scope, b"origin"), _header(scope, b"host")
        if not origin or urlsplit(origin).netloc == host or _is_named_by_settings(origin):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            self._tell(origin, host)
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(name, value) for name, value in scope["headers"] if name != b"origin"]
            await self._app({**scope, "headers": headers}, receive, send)

    def _tell(self, origin: str, host: str) -> None:
        """Once for each address: most often it is a proxy that says another host than the browser."""
        if origin not in self._told and len(self._told) < 100:
            self._told.add(origin)
            self._say(
                f"refused a page of {origin[:200]!r}: asked as {host[:200]!r}; a proxy must leave Host as it is"
            )


def _header(scope: Scope, wanted: bytes) -> str:
    found = [value for name, value in scope.get("headers", ()) if name == wanted]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _is_named_by_settings(origin: str) -> bool:
    """Whether Streamlit's own settings allow it, for who has reasons."""
    if not st.get_option("server.enableCORS"):
        return True
    return origin.rstrip("/") in [one.rstrip("/") for one in st.get_option("server.corsAllowedOrigins") or ()]
