"""Knows how a server may be reached over HTTP: headers and secrets, whom one trusts, and who one is.

Secrets come from files, never from the command line, and stand in no message and no repr.
"""

import argparse
import base64
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from planner.errors import BadInput

TENANT_HEADER = "X-Scope-OrgID"
AUTHORIZATION = "Authorization"
_NAME = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)
# What a header may hold; a line break would begin another header.
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Access:
    """Headers to send, authorities to trust (None: the system's), and a certificate of one's own with its key."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises BadInput for a file that can't be used."""
        try:
            made = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise BadInput(f"--ca-file {self.ca_file}: {_why(error)}") from None
        if self.cert_file is not None:
            try:
                # Without a password given, OpenSSL would ask for one on the terminal.
                made.load_cert_chain(self.cert_file, self.key_file, password="")
            except (OSError, ValueError) as error:
                which = f"--cert-file {self.cert_file} with --key-file {self.key_file}"
                raise BadInput(f"{which}: {_why(error)}") from None
        return made


def add_options(made: argparse._ActionsContainer) -> None:
    """The options of `access`."""
    made.add_argument(
        "--bearer-token-file", metavar="FILE", type=Path, help="file that holds a token for Authorization"
    )
    made.add_argument(
        "--basic-auth-file", metavar="FILE", type=Path, help="file that holds USER:PASSWORD for Authorization"
    )
    made.add_argument(
        "--headers-file", metavar="FILE", type=Path, help="further headers, one `Name: value` a line"
    )
    made.add_argument("--tenant", metavar="NAME", help=f"tenant of Mimir or Cortex: {TENANT_HEADER}")
    made.add_argument("--ca-file", metavar="FILE", type=Path, help="certificates to trust")
    made.add_argument("--cert-file", metavar="FILE", type=Path, help="certificate to show, with --key-file")
    made.add_argument("--key-file", metavar="FILE", type=Path, help="key of that certificate")


def access(options: argparse.Namespace) -> Access:
    """How the options say that a server may be reached. Raises BadInput."""
    headers: dict[str, str] = {}
    for option, name, value in _headers(options):
        if name.lower() in map(str.lower, headers):
            raise BadInput(f"{option}: {name} is given twice; leave one of them out")
        if not _VALUE.fullmatch(value):
            raise BadInput(
                f"{option}: the value of {name} holds what no header may; give one line of plain text"
            )
        headers[name] = value
    for one, other in (("cert", "key"), ("key", "cert")):
        if getattr(options, f"{one}_file") is not None and getattr(options, f"{other}_file") is None:
            raise BadInput(f"--{one}-file {getattr(options, f'{one}_file')}: give --{other}-file too")
    return Access(headers, options.ca_file, options.cert_file, options.key_file)


def basic(pair: str) -> str:
    """The value of Authorization for `user:password`."""
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _headers(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """Where each header comes from, its name and its value."""
    if options.headers_file is not None:
        yield from _lines("--headers-file", options.headers_file)
    if options.bearer_token_file is not None:
        where = f"--bearer-token-file {options.bearer_token_file}"
        yield where, AUTHORIZATION, f"Bearer {_one_line(where, options.bearer_token_file)}"
    if options.basic_auth_file is not None:
        where = f"--basic-auth-file {options.basic_auth_file}"
        pair = _one_line(where, options.basic_auth_file)
        if ":" not in pair:
            raise BadInput(f"{where}: must hold USER:PASSWORD")
        yield where, AUTHORIZATION, basic(pair)
    if options.tenant:
        yield "--tenant", TENANT_HEADER, options.tenant


def _lines(option: str, path: Path) -> Iterator[tuple[str, str, str]]:
    """Lines of `Name: value`; blank ones and those that begin with # are left out."""
    for number, line in enumerate(_text(f"{option} {path}", path).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, colon, value = line.partition(":")
            if not colon or not _NAME.fullmatch(name.strip()):
                raise BadInput(f"{option} {path}:{number}: write a line such as `{TENANT_HEADER}: team`")
            yield f"{option} {path}:{number}", name.strip(), value.strip()


def _one_line(where: str, path: Path) -> str:
    lines = _text(where, path).strip().splitlines()
    if len(lines) != 1:
        raise BadInput(f"{where}: holds {len(lines)} lines; one is wanted")
    return lines[0].strip()


def _text(where: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{where}: not UTF-8 text") from None
    except OSError as error:
        raise BadInput(f"{where}: {error.strerror or error}") from None


def _why(error: Exception) -> str:
    """What is wrong with a file of certificates, in plain words."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    plain = {
        "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
        "NO_CERTIFICATE": "no certificate in the file",
        "PEM lib": "not a PEM file, or the key is encrypted",
    }
    return next((plain[part] for part in plain if part in f"{error} {reason}"), reason)
