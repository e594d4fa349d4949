"""This file knows how an address is read over HTTP: with headers, a token, a CA of one's own, and a time limit."""

import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

from dashboard.access import Access
from dashboard.sources import SourceError

MOST_BYTES = 256 * 1024 * 1024


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A redirect to another host would carry the headers there."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            raise urllib.error.HTTPError(req.full_url, code, "leads to another host", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(address: str, access: Access, fields: Mapping[str, str] | None = None) -> bytes:
    """What the address answers; with `fields`, to a form that is sent. Raises SourceError."""
    data = urllib.parse.urlencode(fields).encode() if fields is not None else None
    request = urllib.request.Request(address, data, dict(access.headers))
    context = ssl.create_default_context(cafile=access.ca_file) if address.startswith("https:") else None
    handlers: list[urllib.request.BaseHandler] = [_SameHost()]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=access.timeout_seconds) as answer:
            body: bytes = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise SourceError(_refused(address, error)) from error
    except (OSError, ValueError) as error:
        raise SourceError(_unreachable(address, access, error)) from error
    if len(body) > MOST_BYTES:
        raise SourceError(
            f"{shown(address)}: answers with more than {MOST_BYTES:,} bytes; choose a shorter range"
        )
    return body


def _refused(address: str, error: urllib.error.HTTPError) -> str:
    remedy = {
        401: "give --bearer-token-file or --headers-file",
        403: "the token or the tenant may not read this; see --bearer-token-file and --headers-file",
        404: "the address must be the one below which /api/v1 or /metrics lies",
    }.get(error.code, _first_line(error.read(2000)) or "look at its log")
    return f"{shown(address)}: answers {error.code} {error.reason}; {remedy}"


def _unreachable(address: str, access: Access, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError) or "timed out" in str(reason):
        return f"{shown(address)}: no answer within {access.timeout_seconds:g} s; a shorter range asks less of it"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"{shown(address)}: its certificate can't be verified ({reason.verify_message}); give --ca-file"
        )
    return f"{shown(address)}: {getattr(reason, 'strerror', None) or reason}; is it running, and is the address right?"


def shown(address: str) -> str:
    """The address without a password or what was asked."""
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _first_line(body: bytes) -> str:
    lines = body.decode(errors="replace").strip().splitlines()
    return lines[0][:200] if lines else ""
