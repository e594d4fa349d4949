"""The web configuration file: what it may say, what is refused, and what happens when it changes."""

import logging
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import yaml
from pydantic import BaseModel

from exporter.web.config import HttpServerConfig, WebConfig, WebConfigFile
from exporter.web.tls import TlsServerConfig, WebConfigError

# "alice" and "bob" of the sample file in exporter-toolkit's documentation.
ALICE = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
BOB = "$2y$10$hLqFl9jSjoAAy95Z/zw8Ye8wkdMBM8c5Bn1ptYqP/AXyV0.oy0S8m"


def openssl(*arguments: object, check: bool = True, stdin: str = "") -> str:
    """What the openssl program prints on both its outputs."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, check=check, input=stdin, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder, and the certificates it signs."""

    folder: Path
    name: str = "ca"

    def __post_init__(self) -> None:
        self._request(self.name, f"/CN={self.name}")

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.crt"

    def issue(self, name: str, names: str) -> tuple[Path, Path]:
        """(certificate, key) for the alternative `names`, as `DNS:localhost,IP:127.0.0.1`."""
        authority = ("-CA", self.certificate, "-CAkey", self.folder / f"{self.name}.key")
        extensions = ("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE")
        return self._request(name, f"/CN={name}", *authority, *extensions)

    def _request(self, name: str, subject: str, *more: object) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        pair = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)
        openssl("req", "-x509", "-days", 2, "-subj", subject, *pair, "-out", certificate, *more)
        return certificate, key


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder)
    authority.issue("server", "DNS:localhost,IP:127.0.0.1")
    authority.issue("other", "DNS:localhost")
    openssl(
        "ec", "-in", folder / "server.key", "-aes128", "-passout", "pass:x", "-out", folder / "locked.key"
    )
    return folder


def config(pki: Path, text: str) -> WebConfigFile:
    path = pki / "web.yml"
    path.write_text(text)
    return WebConfigFile(path)


def tls(**settings: object) -> str:
    section = {"cert_file": "server.crt", "key_file": "server.key"} | settings
    return yaml.safe_dump({"tls_server_config": section})


CLIENT_CA = {"client_ca_file": "ca.crt", "client_auth_type": "RequireAndVerifyClientCert"}
BAD = {
    "[]": "the file: must be a mapping of keys to values",
    "a: [\n": "not YAML: line 2: ",
    "tls_server: {}": "tls_server: not supported; remove it",
    tls(cert="x"): "tls_server_config.cert: not supported; write it to a file and name that in cert_file",
    f"basic_auth_users: {{}}\nbasic_auth_users: {{ann: {ALICE}}}": "line 2: 'basic_auth_users' stands twice",
    "rate_limit: {interval: 1s}": "rate_limit: not supported; limit requests in a proxy",
    "tls_server_config: {cert_file: server.crt}": "tls_server_config.key_file: is missing",
    tls(cert_file="none.crt"): "cert_file none.crt with key_file server.key: No such file",
    tls(key_file="other.key"): "the key does not belong to the certificate",
    tls(key_file="locked.key"): "not a PEM file, or the key is encrypted",
    tls(cert_file="web.yml"): "not a PEM file, or the key is encrypted",
    tls(min_version="TLS10"): "tls_server_config.min_version: 'TLS10': not one of TLS12, TLS13",
    tls(min_version="TLS13", max_version="TLS12"): "min_version is above max_version",
    tls(
        client_auth_type="Maybe"
    ): "tls_server_config.client_auth_type: 'Maybe': not one of NoClientCert, Req",
    tls(client_auth_type="RequireAnyClientCert"): "cannot demand a certificate without verifying it",
    tls(client_auth_type="RequireClientCert"): "cannot demand a certificate without verifying it",
    tls(client_ca_file="ca.crt"): "client_ca_file needs client_auth_type VerifyClientCertIfGiven or Req",
    tls(
        client_ca_file="ca.crt", client_auth_type="RequestClientCert"
    ): "client_ca_file needs client_auth_type",
    tls(**CLIENT_CA | {"client_ca_file": "web.yml"}): "client_ca_file web.yml: no certificate in the file",
    tls(client_allowed_sans=["x"]): "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert",
    tls(cipher_suites=["TLS_NULL"]): "cipher_suites.0: 'TLS_NULL': not one of TLS_ECDHE_ECDSA_WITH_AES_128_G",
    tls(
        cipher_suites=["TLS_AES_128_GCM_SHA256"]
    ): "names none for TLS 1.2; add one or set min_version: TLS13",
    tls(curve_preferences=["P256"]): "curve_preferences.0: 'P256': not one of CurveP256",
    tls(curve_preferences=["X25519", "CurveP256"]): "Python's ssl holds to one curve",
    tls(prefer_server_cipher_suites="perhaps"): "prefer_server_cipher_suites: 'perhaps': must be",
    "http_server_config: {headers: {Server: x}}": "headers.Server: 'Server': not one of Content-Security-Pol",
    "http_server_config: {headers: {X-Frame-Options: no}}": "headers.X-Frame-Options: False: must be",
    "http_server_config: {headers: {X-Frame-Options: allow}}": "'allow' is none of deny, sameorigin",
    'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nA: b"}}': "only printable ASCII can stand in",
    "basic_auth_users: {eve: hunter2}": "basic_auth_users.eve: not a bcrypt hash",
    f"basic_auth_users: {{eve: {ALICE[:-1]}}}": "basic_auth_users.eve: not a bcrypt hash",
    f"basic_auth_users: {{1: {ALICE}}}": "basic_auth_users.1: must be text",
    f'"a": "{ALICE}': "not YAML: line 1: found unexpected end of stream",
}


@pytest.mark.parametrize(("text", "problem"), BAD.items())
def test_a_bad_file_is_refused_in_one_line_that_says_where_and_what(
    pki: Path, text: str, problem: str
) -> None:
    with pytest.raises(WebConfigError) as caught:
        config(pki, text)
    line = str(caught.value)
    assert line.startswith(f"{pki / 'web.yml'}: ")
    assert problem in line
    assert "\n" not in line
    assert "hunter2" not in line and ALICE[7:-1] not in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"none\.yml: cannot be read: No such file or directory"):
        WebConfigFile(tmp_path / "none.yml")


GOOD = [
    "",
    "tls_server_config:\nbasic_auth_users: {}\n",
    tls(),
    tls(client_auth_type="NoClientCert", min_version="TLS12", max_version="TLS12"),
    tls(client_auth_type="VerifyClientCertIfGiven"),
    tls(**CLIENT_CA, client_allowed_sans=["client.example"]),
    tls(cipher_suites=["TLS_AES_128_GCM_SHA256"], min_version="TLS13"),
    tls(curve_preferences=["CurveP521"], prefer_server_cipher_suites=False),
    f"basic_auth_users: {{alice: {ALICE}, bob: {BOB}}}",
    "http_server_config: {http2: false, headers: {Strict-Transport-Security: max-age=1}}",
    "http_server_config: {headers: {X-Frame-Options: '', Content-Security-Policy: ''}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_file_is_taken_without_a_word(pki: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    access = config(pki, text).current()
    assert (access.tls is not None) == ("cert_file" in text)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("http_server_config: {http2: true}", "http2: this server speaks HTTP/1.1"),
        (tls(client_auth_type="RequestClientCert"), "RequestClientCert lets everyone in"),
    ],
)
def test_what_is_done_otherwise_is_said(
    pki: Path, text: str, notice: str, caplog: pytest.LogCaptureFixture
) -> None:
    config(pki, text)
    (record,) = caplog.records
    assert notice in record.getMessage()


def test_all_cipher_suites_of_the_toolkit_are_known_to_openssl(pki: Path) -> None:
    names = [
        f"TLS_ECDHE_{key}_WITH_{rest}"
        for key in ("RSA", "ECDSA")
        for rest in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
    ] + [f"TLS_ECDHE_{key}_WITH_AES_{bits}_CBC_SHA" for key in ("RSA", "ECDSA") for bits in (128, 256)]
    context = config(pki, tls(cipher_suites=names)).current().tls
    assert context
    # The openssl program tells what the standard, and Go, call each of OpenSSL's names.
    standard = openssl(
        "ciphers", "-stdname", "-s", "-tls1_2", ":".join(c["name"] for c in context.get_ciphers())
    )
    assert {line.split()[0] for line in standard.splitlines()} == set(names)


def test_hashes_are_shown_nowhere(pki: Path) -> None:
    access = config(pki, f"basic_auth_users: {{alice: {ALICE}}}").current()
    assert access.users == {b"alice": ALICE.encode()}
    assert ALICE not in repr(access)


def test_a_hash_made_here_is_taken(pki: Path) -> None:
    text = yaml.safe_dump({"basic_auth_users": {"a": bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()}})
    assert config(pki, text).current().users.keys() == {b"a"}


def replace(path: Path, content: str) -> None:
    """Put new content in the place of `path` at once, as `mv` and Kubernetes do."""
    new = path.with_suffix(".new")
    new.write_text(content)
    new.replace(path)


def test_an_unchanged_file_is_not_read_again(pki: Path) -> None:
    file = config(pki, tls())
    assert file.current() is file.current()


def test_a_changed_file_is_read_again(pki: Path) -> None:
    file = config(pki, f"basic_auth_users: {{alice: {ALICE}}}")
    replace(pki / "web.yml", f"basic_auth_users: {{bob: {BOB}}}")
    assert file.current().users == {b"bob": BOB.encode()}


def test_a_file_broken_later_leaves_the_last_good_one_in_force(
    pki: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = config(pki, f"basic_auth_users: {{alice: {ALICE}}}")
    good = file.current()
    replace(pki / "web.yml", "basic_auth_users: {bob: plain}")
    assert file.current() is good
    assert file.current() is good
    (record,) = caplog.records
    assert "basic_auth_users.bob: not a bcrypt hash" in record.getMessage()
    assert "the last good configuration stays in force" in record.getMessage()
    (pki / "web.yml").unlink()
    assert file.current() is good
    replace(pki / "web.yml", f"basic_auth_users: {{bob: {BOB}}}")
    assert file.current().users.keys() == {b"bob"}


def test_tls_cannot_vanish_while_running(pki: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = config(pki, tls())
    replace(pki / "web.yml", f"basic_auth_users: {{bob: {BOB}}}")
    access = file.current()
    assert access.tls and not access.users
    assert "tls_server_config can come or go only with a restart" in caplog.text


def test_a_new_certificate_waits_for_its_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = Authority(tmp_path)
    authority.issue("server", "DNS:localhost")
    file = config(tmp_path, tls())
    before = file.current().tls
    certificate, key = authority.issue("next", "DNS:localhost")
    caplog.set_level(logging.INFO)

    certificate.replace(tmp_path / "server.crt")
    assert file.current().tls is before
    assert "the key does not belong to the certificate" in caplog.text

    key.replace(tmp_path / "server.key")
    after = file.current().tls
    assert isinstance(after, ssl.SSLContext) and after is not before
    assert "changed, read again" in caplog.text


def test_a_certificate_named_before_it_exists_is_used_when_it_comes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue("server", "DNS:localhost")
    file = config(tmp_path, tls())
    before = file.current().tls
    replace(tmp_path / "web.yml", tls(cert_file="late.crt", key_file="late.key"))
    assert file.current().tls is before
    authority.issue("late", "DNS:localhost")
    assert file.current().tls is not before


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        (["client.example"], True),
        (["::1"], True),
        (["10.0.0.7"], True),
        (["spiffe://cluster/prometheus"], True),
        (["ops@example.org"], True),
        (["other", "client.example"], True),
        (["example"], False),
        (["CLIENT.example"], False),
        (["client"], False),
    ],
)
def test_alternative_names_match_exactly_and_of_every_kind(
    pki: Path, allowed: list[str], admitted: bool
) -> None:
    names = (
        ("DNS", "client.example"),
        ("IP Address", "10.0.0.7"),
        ("IP Address", "0:0:0:0:0:0:0:1"),
        ("URI", "spiffe://cluster/prometheus"),
        ("email", "ops@example.org"),
    )
    access = config(pki, tls(**CLIENT_CA, client_allowed_sans=allowed)).current()
    assert access.admits({"subject": ((("commonName", "client"),),), "subjectAltName": names}) is admitted
    assert not access.admits({})
    assert not access.admits(None)


DOCUMENT = (Path(__file__).parents[2] / "docs" / "web-configuration.md").read_text()


def test_the_example_of_the_document_is_a_good_file(pki: Path, caplog: pytest.LogCaptureFixture) -> None:
    example = DOCUMENT.split("```yaml\n")[1].split("```")[0]
    access = config(pki, example).current()
    assert access.tls and access.users and access.headers and access.allowed_sans
    assert caplog.records == []


@pytest.mark.parametrize("section", [TlsServerConfig, HttpServerConfig, WebConfig])
def test_every_key_is_documented(section: type[BaseModel]) -> None:
    for key in section.model_fields:
        assert f"{key}:" in DOCUMENT
        assert f"`{key}`" in DOCUMENT or key in ("tls_server_config", "http_server_config")
