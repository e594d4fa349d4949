"""This file knows how the TLS part of a web configuration file becomes a context of Python's `ssl`."""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# Go's name → OpenSSL's. Those of TLS 1.3 may be named, as in Go, but are always on.
_CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
} | dict.fromkeys(("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"), "")
_NO_ANY = "Python's ssl cannot demand a certificate without verifying it; use RequireAndVerifyClientCert"
# What to do about a key or value that the toolkit knows and we do not.
INSTEAD = {
    "cert": "write it to a file and name that in cert_file",
    "key": "write it to a file and name that in key_file",
    "client_ca": "write it to a file and name that in client_ca_file",
    "rate_limit": "limit requests in a proxy before the exporter",
    "RequireAnyClientCert": _NO_ANY,
    "RequireClientCert": _NO_ANY,
}


class WebConfigError(ValueError):
    """The web configuration file cannot be used; the text says in one line where and why."""


def one_of(names: Iterable[str]) -> AfterValidator:
    """A value must be one of these; one that the toolkit knows and we do not is told what to do instead."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(INSTEAD.get(value, f"not one of {', '.join(names)}"))
        return value

    return AfterValidator(check)


class Section(BaseModel):
    """A part of the file; what is unknown is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsServerConfig(Section):
    """`tls_server_config`; paths are relative to the folder of the file that names them."""

    cert_file: Path
    key_file: Path
    client_auth_type: Annotated[str, one_of(_CLIENT_AUTH)] = "NoClientCert"
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Annotated[str, one_of(_VERSIONS)] = "TLS12"
    max_version: Annotated[str, one_of(_VERSIONS)] = "TLS13"
    cipher_suites: tuple[Annotated[str, one_of(_CIPHERS)], ...] = ()
    curve_preferences: tuple[Annotated[str, one_of(_CURVES)], ...] = ()
    prefer_server_cipher_suites: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules = {
            "min_version is above max_version": self.min_version > self.max_version,
            "client_ca_file needs client_auth_type VerifyClientCertIfGiven or RequireAndVerifyClientCert": (
                self.client_ca_file and not _CLIENT_AUTH[self.client_auth_type]
            ),
            "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert": (
                self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert"
            ),
            "curve_preferences: Python's ssl holds to one curve; name a single one or leave the key out": (
                len(self.curve_preferences) > 1
            ),
            "cipher_suites names none for TLS 1.2; add one or set min_version: TLS13": (
                self.cipher_suites and self.min_version == "TLS12" and not self.ciphers()
            ),
        }
        for rule, broken in rules.items():
            if broken:
                raise ValueError(rule)
        return self

    def ciphers(self) -> str:
        """The cipher suites up to TLS 1.2 in OpenSSL's notation, best first; empty = OpenSSL's choice."""
        return ":".join(filter(None, (_CIPHERS[name] for name in self.cipher_suites)))

    def files(self) -> Iterator[Path]:
        """Every file that this section names."""
        yield from filter(None, (self.cert_file, self.key_file, self.client_ca_file))


def one_line(text: object) -> str:
    """The text without line breaks."""
    return " ".join(str(text).split())


def context(tls: TlsServerConfig, folder: Path) -> ssl.SSLContext:
    """What a listener needs; `folder` is that of the file. Raises WebConfigError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    made.set_alpn_protocols(["http/1.1"])
    if ciphers := tls.ciphers():
        made.set_ciphers(ciphers)
    for curve in tls.curve_preferences:
        with _naming(f"curve_preferences {curve}"):
            made.set_ecdh_curve(_CURVES[curve])
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    with _naming(f"cert_file {tls.cert_file} with key_file {tls.key_file}"):
        # Without a password given, OpenSSL would ask for one on the terminal.
        made.load_cert_chain(folder / tls.cert_file, folder / tls.key_file, password="")
    _trust(made, tls, folder)
    return made


def _trust(context: ssl.SSLContext, tls: TlsServerConfig, folder: Path) -> None:
    context.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
    # As in Go, every certificate of the file is an anchor, an intermediate one too; no file = the system's.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.client_ca_file:
        with _naming(f"client_ca_file {tls.client_ca_file}"):
            context.load_verify_locations(folder / tls.client_ca_file)
    else:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        plain = {
            "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
            "NO_CERTIFICATE": "no certificate in the file",
            "PEM lib": "not a PEM file, or the key is encrypted",
            "UNKNOWN_GROUP": "this Python can't set it (3.11.2 of Debian 12 can't); leave curve_preferences out, and "
            "OpenSSL offers it first",
        }
        raise WebConfigError(f"{what}: {next((plain[p] for p in plain if p in reason), reason)}") from None
