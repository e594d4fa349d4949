"""This file knows how an address is read over HTTP: as whom, over which TLS, how long, and what went wrong."""

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import NamedTuple

from dashboard.sources.access import Access, tls
from dashboard.sources.source import SourceError
from planner.errors import BadInput
from planner.stored.http_access import AUTHORIZATION, basic

MOST_BYTES = 256 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_DATE_IS_ROUNDED_SECONDS = 1.0


class Answer(NamedTuple):
    """A body, and how far the server's clock is ahead of this machine's; None when it doesn't tell the time."""

    body: bytes
    ahead_seconds: float | None


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A redirect to another host, or away from TLS, would carry the headers there; one of a form would lose it."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        is_elsewhere = new.netloc != old.netloc or (old.scheme, new.scheme) == ("https", "http")
        if req.data is not None or is_elsewhere:
            raise urllib.error.HTTPError(newurl, code, msg, headers, None)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(address: str, access: Access, fields: Mapping[str, str] | None = None) -> Answer:
    """What the address answers; with `fields`, to a form that is sent. Raises SourceError."""
    began = time.time()
    try:
        request, opener = _asked(address, access, fields)
        with opener.open(request, timeout=access.timeout_seconds) as answer:
            body = _read(answer, time.monotonic() + access.timeout_seconds)
            ahead = _ahead(answer.headers.get("Date"), began, time.time())
    except BadInput as error:
        raise SourceError(f"{error}; it must be readable while the dashboard runs") from error
    except urllib.error.HTTPError as error:
        raise SourceError(_refused(address, error)) from error
    except (OSError, ValueError, HTTPException) as error:
        raise SourceError(_unreachable(address, access, error)) from error
    if len(body) > MOST_BYTES:
        raise SourceError(
            f"{shown(address)}: answers with more than {MOST_BYTES:,} bytes; choose a shorter range"
        )
    return Answer(body, ahead)


def _asked(
    address: str, access: Access, fields: Mapping[str, str] | None
) -> tuple[urllib.request.Request, urllib.request.OpenerDirector]:
    """A name and a password in the address are sent as basic authentication. Raises BadInput, ValueError."""
    papers = access.papers()
    parts = urllib.parse.urlsplit(address)
    who, _, host = parts.netloc.rpartition("@")
    headers = {**({AUTHORIZATION: basic(urllib.parse.unquote(who))} if who else {}), **papers.headers}
    data = urllib.parse.urlencode({**access.fields, **fields}).encode() if fields is not None else None
    handlers: list[urllib.request.BaseHandler] = [_SameHost()]
    if parts.scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=tls(papers)))
    request = urllib.request.Request(parts._replace(netloc=host).geturl(), data, headers)
    return request, urllib.request.build_opener(*handlers)


def _read(answer: HTTPResponse, until: float) -> bytes:
    """One more byte than allowed at most. A server that sends drop by drop is as slow as one that is silent."""
    pieces, size = [], 0
    # read1 returns what is there, and tells an end that came too early only where the answer is in chunks.
    while size <= MOST_BYTES and (piece := answer.read1(_PIECE_BYTES)):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > until:
            raise TimeoutError
    promised = answer.headers.get("Content-Length")
    if promised is not None and size < int(promised):
        raise IncompleteRead(b"", int(promised) - size)
    return b"".join(pieces)


def _ahead(date: str | None, began: float, ended: float) -> float | None:
    """Nothing, where the way there and the rounding of the date explain what is between the clocks."""
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return None
    if began - _DATE_IS_ROUNDED_SECONDS <= told <= ended + _DATE_IS_ROUNDED_SECONDS:
        return 0.0
    return told + _DATE_IS_ROUNDED_SECONDS / 2 - (began + ended) / 2


def _refused(address: str, error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        return f"{shown(address)}: leads to {shown(error.url)}; if that is the server that you mean, give its address"
    remedy = {
        401: "give --bearer-token-file, --basic-auth-file or --headers-file",
        403: "who asks may not read this; see --bearer-token-file, --headers-file and --tenant",
        404: "the address must be the one below which /api/v1 or /metrics lies",
        405: "the address must be the one below which /api/v1 or /metrics lies",
        429: "it is asked too often; a shorter range, or a larger limit there, helps",
    }.get(error.code) or _reason(error)
    return f"{shown(address)}: answers {error.code} {error.reason}; {remedy}"


def _reason(error: urllib.error.HTTPError) -> str:
    """Prometheus says in JSON what is wrong, others in a line of text; a page of HTML says nothing in one line."""
    body = _first_bytes(error)
    try:
        return _line(str(json.loads(body)["error"]))
    except (ValueError, KeyError, TypeError):
        text = _line(body)
        return "look at its log" if not text or text.startswith("<") else text


def _first_bytes(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(4000).decode(errors="replace")
    except (OSError, HTTPException, AttributeError):
        return ""


def _unreachable(address: str, access: Access, error: Exception) -> str:
    where = shown(address)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError) or "timed out" in str(reason):
        return f"{where}: no answer within {access.timeout_seconds:g} s; a shorter range asks less of it"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"{where}: its certificate can't be verified ({reason.verify_message}); give --ca-file"
    if isinstance(reason, ssl.SSLError):
        return f"{where}: TLS failed ({_line(str(reason))}); does it speak https, or want --cert-file?"
    if isinstance(reason, HTTPException):
        what = _line(str(reason)) or type(reason).__name__
        return f"{where}: the answer broke off or is no HTTP ({what}); is the address right?"
    why = getattr(reason, "strerror", None) or _line(str(reason))
    return f"{where}: {why}; is it running, and is the address right?"


def shown(address: str) -> str:
    """The address without a password or what was asked."""
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:200] if lines else ""
