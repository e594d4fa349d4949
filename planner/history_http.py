"""Knows how a server is asked over HTTP: the whole answer, or one line that says why there is none."""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException

from planner.errors import BadInput

SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ask. `shown` hides a password of the address, which is sent as basic authentication."""

    url: str
    shown: str
    authorization: str | None
    timeout_seconds: float

    def ask(self, path: str, fields: dict[str, str] | None = None) -> bytes:
        """The body of the answer to a GET, or to a POST of `fields`. Raises BadInput."""
        headers = {"Authorization": self.authorization} if self.authorization else {}
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        request = urllib.request.Request(self.url + path, data, headers)
        where = self.shown + path
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise BadInput(f"{where}: answers {error.code}: {_reason(error)}") from None
        except TimeoutError:
            raise BadInput(
                f"{where}: no answer within {self.timeout_seconds:g} s; try a larger --timeout"
            ) from None
        except (OSError, ssl.SSLError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                reason = f"no answer within {self.timeout_seconds:g} s; try a larger --timeout"
            raise BadInput(f"{where}: {' '.join(str(reason).split()) or type(error).__name__}") from None


def address(option: str, url: str, timeout_seconds: float) -> Address:
    """Raises BadInput when `url` is none."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise BadInput(f"{option} {url}: no address; write one such as http://localhost:9090")
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    authorization = None
    if parts.username is not None:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    shown = plain.geturl().rstrip("/")
    return Address(shown, shown, authorization, timeout_seconds)


def _reason(error: urllib.error.HTTPError) -> str:
    """Prometheus says in the body what is wrong."""
    try:
        body = error.read()
        return str(json.loads(body)["error"]).splitlines()[0]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return error.reason
