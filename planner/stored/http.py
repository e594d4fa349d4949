"""Knows how a server is asked over HTTP: the whole answer, or one line that says why there is none."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException

from planner.errors import BadInput
from planner.stored.http_access import AUTHORIZATION, Access, basic

SCHEMES = ("http", "https")
MOST_TOLD = 200
_PLAIN = Access()


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ask, and with which headers. `shown` holds no secret."""

    url: str
    shown: str
    timeout_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def ask(self, path: str, fields: dict[str, str] | None = None) -> bytes:
        """The body of the answer to a GET, or to a POST of `fields`. Raises BadInput."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        request = urllib.request.Request(self.url + path, data, dict(self.headers))
        where = self.shown + path
        try:
            with self._opener().open(request, timeout=self.timeout_seconds) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise BadInput(f"{where}: {_refused(error)}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise BadInput(f"{where}: {self._unreachable(error)}") from None

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [_SameHost()]
        if self.trust is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self.trust))
        return urllib.request.build_opener(*handlers)

    def _unreachable(self, error: Exception) -> str:
        # An SSLError has a reason too, which is a word.
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            return f"no answer within {self.timeout_seconds:g} s; try a larger --timeout"
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"its certificate can't be verified ({reason.verify_message}); give --ca-file"
        told = " ".join(str(reason).split()) or type(error).__name__
        # TLS 1.3 refuses a client that shows no certificate by an alert, or just ends, while one sends or reads.
        is_cut = isinstance(reason, ConnectionResetError | BrokenPipeError) and self.trust is not None
        if isinstance(reason, ssl.SSLError) or is_cut:
            return f"TLS failed ({told}); does it speak https, or ask for a certificate (--cert-file, --key-file)?"
        return told


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A redirect to another host, or away from TLS, would carry the headers there; one of a form loses the form."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if req.data is not None or (old.scheme, old.netloc) != (new.scheme, new.netloc):
            raise urllib.error.HTTPError(newurl, code, msg, headers, None)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def address(option: str, url: str, timeout_seconds: float, access: Access = _PLAIN) -> Address:
    """Raises BadInput when `url` is none, or what `access` names can't be used."""
    try:
        parts = urllib.parse.urlsplit(url)
        is_one = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_one = False
    if not is_one:
        told = f"…@{url.rpartition('@')[2]}" if "@" in url else url
        raise BadInput(f"{option} {told}: no address; write one such as http://localhost:9090")
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")
    headers = dict(access.headers)
    if parts.username is not None:
        if AUTHORIZATION.lower() in map(str.lower, headers):
            raise BadInput(
                f"{option} {shown}: {AUTHORIZATION} is given in the address and in a file; leave one out"
            )
        user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
        headers[AUTHORIZATION] = basic(f"{user}:{password}")
    return Address(
        shown, shown, timeout_seconds, headers, access.context() if parts.scheme == "https" else None
    )


def _refused(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        parts = urllib.parse.urlsplit(error.url)
        there = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return f"leads to {there}; if that is the server that you mean, give its address"
    remedy = {
        401: "; give --basic-auth-file or --bearer-token-file",
        403: "; who asks may not read this: see --bearer-token-file and --tenant",
    }.get(error.code, "")
    return f"answers {error.code}: {_reason(error)}{remedy}"


def _reason(error: urllib.error.HTTPError) -> str:
    """Prometheus says in the body what is wrong as JSON, Mimir as plain text."""
    try:
        body = error.read(65_536).decode(errors="replace")
        if error.headers.get_content_type() == "text/plain" and body.strip():
            return body.strip().splitlines()[0][:MOST_TOLD]
        return str(json.loads(body)["error"]).splitlines()[0]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return error.reason
