"""The server on real sockets: HTTP, TLS, passwords, crowds, silence and the end."""

import base64
import gzip
import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import pytest

from exporter.groups import Choice
from exporter.web.config import WebConfigFile
from exporter.web.pages import application
from exporter.web.passwords import PasswordCheck
from exporter.web.server import WORKERS, ListenError, Server
from exporter.web.tls import WebConfigError
from tests.exporter.test_pages import Watch, Watched
from tests.exporter.test_webconfig import Authority, config, openssl, replace, tls

PAGE = b"queue_redis_up 1\n" * 100


@dataclass
class Slow(Watched):
    """A target whose page comes when `go` is set; `asked` counts who waits for it."""

    go: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def page(self, *, openmetrics: bool, timeout_seconds: float | None, wanted: Choice) -> bytes:
        self.asked.release()
        self.go.wait(30)
        return super().page(openmetrics=openmetrics, timeout_seconds=timeout_seconds, wanted=wanted)


@contextmanager
def serving(
    watched: Watched | None = None, web: WebConfigFile | None = None, listen: str = "127.0.0.1:0"
) -> Iterator[Server]:
    server = Server(application(Watch(watched or Watched(text=PAGE))), listen, web)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def get(server: Server, path: str = "/metrics", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def raw(server: Server, request: bytes) -> bytes:
    """Everything the server says to `request` until it closes the connection."""
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(request)
        # A server that has not read everything ends with a reset instead of an end.
        with suppress(ConnectionResetError):
            while more := sock.recv(65536):
                said += more
    return said


# ---- listening and stopping


@pytest.mark.parametrize(
    ("listen", "family", "host"),
    [
        ("127.0.0.1:0", socket.AF_INET, "127.0.0.1"),
        ("localhost:0", socket.AF_INET, "127.0.0.1"),
        (":0", socket.AF_INET, "127.0.0.1"),
        (":0", socket.AF_INET6, "::1"),
        ("[::1]:0", socket.AF_INET6, "::1"),
    ],
)
def test_it_listens_as_soon_as_start_returns(listen: str, family: socket.AddressFamily, host: str) -> None:
    if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving(listen=listen) as server:
        connection = http.client.HTTPConnection(host, server.port, timeout=10)
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().read() == b"healthy\n"
        connection.close()


@pytest.mark.parametrize(
    "listen",
    ["", "10577", "localhost", ":", "127.0.0.1:http", ":70000", "::1:10577", "u@h:1", ":1/x", "[::1:5"],
)
def test_what_is_no_address_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ListenError, match=r"not HOST:PORT; for example :10577") as caught:
        Server(application(Watch()), listen)
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_one_clear_line() -> None:
    with serving() as server:
        second = Server(application(Watch()), f"127.0.0.1:{server.port}")
        with pytest.raises(ListenError) as caught:
            second.start()
        assert str(caught.value) == f"cannot listen on 127.0.0.1:{server.port}: Address already in use"
        second.stop()


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    with pytest.raises(
        ListenError, match=r"^cannot listen on 192\.0\.2\.1:0: Cannot assign requested address$"
    ):
        Server(application(Watch()), "192.0.2.1:0").start()


def test_a_scrape_under_way_is_finished_while_the_port_is_closed() -> None:
    slow = Slow(text=PAGE)
    with serving(slow) as server, ThreadPoolExecutor() as pool:
        scrape = pool.submit(get, server)
        assert slow.asked.acquire(timeout=10)
        stopped = pool.submit(server.stop)
        while accepts(server.port):
            assert not stopped.done()
        assert not scrape.done()
        slow.go.set()
        assert scrape.result(10) == (200, PAGE)
        stopped.result(10)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except OSError:
        return False
    return True


def test_a_scrape_that_hangs_delays_the_end_only_by_the_grace() -> None:
    slow = Slow()
    with serving(slow) as server, ThreadPoolExecutor() as pool:
        scrape = pool.submit(raw, server, b"GET /metrics HTTP/1.0\r\n\r\n")
        assert slow.asked.acquire(timeout=10)
        began = time.monotonic()
        server.stop(grace_seconds=0.5)
        assert time.monotonic() - began < 5
        assert not accepts(server.port)
        slow.go.set()
        scrape.result(10)


def test_no_thread_and_no_port_is_left_after_the_end() -> None:
    before = set(threading.enumerate())
    with serving() as server:
        assert get(server) == (200, PAGE)
    assert not accepts(server.port)
    assert set(threading.enumerate()) <= before
    with serving(listen=f"127.0.0.1:{server.port}") as again:
        assert get(again) == (200, PAGE)


# ---- HTTP


def test_one_connection_serves_many_requests_and_head_in_between() -> None:
    with serving() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.connect()
        first = connection.sock.getsockname()
        for method in ("GET", "HEAD", "GET", "HEAD", "GET"):
            connection.request(method, "/metrics", headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200
            assert body == b"" if method == "HEAD" else gzip.decompress(body) == PAGE
            assert connection.sock.getsockname() == first
        connection.close()


def test_a_hundred_scrapes_at_once_are_answered_and_health_meanwhile() -> None:
    slow = Slow(text=PAGE)
    with serving(slow) as server, ThreadPoolExecutor(100) as pool:
        scrapes = [pool.submit(get, server) for _ in range(100)]
        for _ in scrapes:
            assert slow.asked.acquire(timeout=20)
        assert get(server, "/-/healthy") == (200, b"healthy\n")
        slow.go.set()
        assert [scrape.result(20) for scrape in scrapes] == [(200, PAGE)] * 100


@pytest.mark.parametrize("said", [b"", b"GET /metr"])
def test_clients_that_connect_and_then_say_little_hold_up_nobody(said: bytes) -> None:
    crowd = WORKERS + 50 if not said else WORKERS - 10
    with serving() as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(crowd)]
        for sock in silent:
            sock.sendall(said)
        began = time.monotonic()
        assert get(server) == (200, PAGE)
        assert time.monotonic() - began < 5
        for sock in silent:
            sock.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET //[ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /%00%0d%0aSet-Cookie:%20a HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"GET /\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"get / HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_a_hostile_request_gets_a_clean_answer(
    request_bytes: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as server:
        answer = raw(server, request_bytes)
        assert answer.startswith(b"HTTP/1.1 " + status + b" ")
        assert b"Traceback" not in answer and b"Set-Cookie" not in answer
        assert get(server) == (200, PAGE)
    assert "Traceback" not in caplog.text


def test_what_follows_a_body_is_not_taken_for_a_request() -> None:
    body = b"GET /-/healthy HTTP/1.1\r\n\r\n"
    smuggled = b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    with serving() as server:
        assert raw(server, smuggled).count(b"HTTP/1.1 200") == 1


# ---- TLS


@dataclass(frozen=True)
class Pki:
    folder: Path
    authority: Authority
    stranger: Authority

    def client(self, name: str | None = None, **settings: object) -> ssl.SSLContext:
        """A client that trusts the authority and, given a name, shows that certificate."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if name:
            context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        for key, value in settings.items():
            setattr(context, key, value)
        return context


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger-ca")
    authority.issue("server", "DNS:localhost,IP:127.0.0.1")
    authority.issue("client", "DNS:client.example,IP:::1")
    stranger.issue("stranger", "DNS:client.example")
    return Pki(tmp_path, authority, stranger)


def get_tls(server: Server, context: ssl.SSLContext, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
    connection.request("GET", "/metrics", headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def refused(server: Server, context: ssl.SSLContext) -> bool:
    """True when the connection is broken off before an answer."""
    try:
        get_tls(server, context)
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return True
    return False


def serial(server: Server, pki: Pki) -> object:
    """The serial number of the certificate that the server shows a new connection."""
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as sock,
        pki.client().wrap_socket(sock, server_hostname="localhost") as wrapped,
    ):
        certificate = wrapped.getpeercert()
        assert certificate
        return certificate["serialNumber"]


CA = {"client_ca_file": "ca.crt"}
# client_auth_type and more → who is let in: with no certificate, with the authority's, with a stranger's.
ADMITTED = [
    ({}, (True, True, True)),
    ({"client_auth_type": "NoClientCert"}, (True, True, True)),
    ({"client_auth_type": "RequestClientCert"}, (True, True, True)),
    (CA | {"client_auth_type": "VerifyClientCertIfGiven"}, (True, True, False)),
    (CA | {"client_auth_type": "RequireAndVerifyClientCert"}, (False, True, False)),
    # Without a file the system's authorities count, and ours is none of them.
    ({"client_auth_type": "VerifyClientCertIfGiven"}, (True, False, False)),
    ({"client_auth_type": "RequireAndVerifyClientCert"}, (False, False, False)),
    (
        CA
        | {"client_auth_type": "RequireAndVerifyClientCert", "client_allowed_sans": ["x", "client.example"]},
        (False, True, False),
    ),
    (
        CA | {"client_auth_type": "RequireAndVerifyClientCert", "client_allowed_sans": ["::1"]},
        (False, True, False),
    ),
    (
        CA | {"client_auth_type": "RequireAndVerifyClientCert", "client_allowed_sans": ["other.example"]},
        (False, False, False),
    ),
]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("settings", "admitted"), ADMITTED)
def test_client_certificates_are_asked_for_as_the_file_says(
    pki: Pki, settings: dict[str, object], admitted: tuple[bool, ...], version: ssl.TLSVersion
) -> None:
    with serving(web=config(pki.folder, tls(**settings))) as server:
        for name, expected in zip((None, "client", "stranger"), admitted, strict=True):
            context = pki.client(name, maximum_version=version)
            assert refused(server, context) is not expected
            if expected:
                assert get_tls(server, context) == (200, PAGE)


def s_client(server: Server, pki: Pki, *arguments: str) -> str:
    """What the openssl program tells of a connection and of the answer to one request."""
    command = [
        "s_client",
        "-connect",
        f"127.0.0.1:{server.port}",
        "-CAfile",
        pki.authority.certificate,
        *arguments,
    ]
    return openssl(*command, "-brief", "-ign_eof", "-crlf", check=False, stdin="GET /-/healthy HTTP/1.0\n\n")


X25519 = {"curve_preferences": ["X25519"]}


@pytest.mark.parametrize(
    ("settings", "arguments", "told"),
    [
        ({}, ["-tls1_2"], "Protocol version: TLSv1.2"),
        ({}, [], "Protocol version: TLSv1.3"),
        ({}, ["-tls1_1"], ""),
        ({"max_version": "TLS12"}, [], "Protocol version: TLSv1.2"),
        ({"min_version": "TLS13"}, ["-tls1_2"], ""),
        ({"curve_preferences": ["CurveP521"]}, [], "secp521r1"),
        (X25519, [], "X25519"),
        (X25519, ["-curves", "P-256"], ""),
        (
            {"cipher_suites": ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]},
            ["-tls1_2"],
            "Ciphersuite: ECDHE-ECDSA-CHACHA20-POLY1305",
        ),
        (
            {"cipher_suites": ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]},
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "",
        ),
    ],
)
def test_version_curve_and_cipher_are_those_of_the_file(
    pki: Pki, settings: dict[str, object], arguments: list[str], told: str
) -> None:
    if settings == X25519 and not python_sets_x25519():
        with pytest.raises(WebConfigError, match="curve_preferences X25519: this Python can't set it"):
            config(pki.folder, tls(**settings))
        return
    with serving(web=config(pki.folder, tls(**settings))) as server:
        output = s_client(server, pki, *arguments)
        assert (told in output and "healthy" in output) if told else "healthy" not in output


def python_sets_x25519() -> bool:
    """Python 3.11.2, which Debian 12 has, knows the older curves only."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve("X25519")
    except ssl.SSLError:
        return False
    return True


BOTH = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]


@pytest.mark.parametrize(
    ("server_first", "chosen"), [(True, "AES256-GCM-SHA384"), (False, "AES128-GCM-SHA256")]
)
def test_the_order_of_ciphers_is_whose_the_file_says(pki: Pki, server_first: bool, chosen: str) -> None:
    settings = {"cipher_suites": BOTH, "prefer_server_cipher_suites": server_first}
    client_order = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    with serving(web=config(pki.folder, tls(**settings))) as server:
        assert f"Ciphersuite: ECDHE-ECDSA-{chosen}" in s_client(
            server, pki, "-tls1_2", "-cipher", client_order
        )


def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(pki: Pki) -> None:
    with serving(web=config(pki.folder, tls())) as server:
        before = serial(server, pki)
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=pki.client(), timeout=10)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read() == PAGE
        pki.authority.issue("server", "DNS:localhost,IP:127.0.0.1")
        after = serial(server, pki)
        assert after != before
        connection.request("GET", "/metrics")
        assert connection.getresponse().read() == PAGE
        connection.close()


def test_a_broken_certificate_leaves_the_old_one_in_force(pki: Pki, caplog: pytest.LogCaptureFixture) -> None:
    with serving(web=config(pki.folder, tls())) as server:
        before = serial(server, pki)
        replace(pki.folder / "server.crt", "not a certificate")
        assert [serial(server, pki) for _ in range(3)] == [before] * 3
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "the last good configuration stays in force" in errors[0].getMessage()


def test_plain_http_on_a_tls_port_is_told_so(pki: Pki) -> None:
    with serving(web=config(pki.folder, tls())) as server:
        assert get(server) == (400, b"this port speaks HTTPS only\n")


def test_clients_that_do_no_handshake_hold_up_nobody(pki: Pki) -> None:
    with serving(web=config(pki.folder, tls())) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(WORKERS + 50)]
        for sock in silent[:20]:
            sock.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        assert get_tls(server, pki.client()) == (200, PAGE)
        assert time.monotonic() - began < 5
        for sock in silent:
            sock.close()


def test_a_scrape_under_way_is_finished_under_tls_too(pki: Pki) -> None:
    slow = Slow(text=PAGE)
    with serving(slow, config(pki.folder, tls())) as server, ThreadPoolExecutor() as pool:
        scrape = pool.submit(get_tls, server, pki.client())
        assert slow.asked.acquire(timeout=10)
        stopped = pool.submit(server.stop)
        while accepts(server.port):
            assert not stopped.done()
        slow.go.set()
        assert scrape.result(10) == (200, PAGE)


# ---- passwords


def hashed(password: bytes, cost: int = 4) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def users(**hashes: str) -> str:
    return "basic_auth_users:\n" + "".join(f"  {name}: {value}\n" for name, value in hashes.items())


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (basic("ann", "päss:wörd"), 200),
        (basic("ann", "päss:wörd").replace("Basic", "bAsIc"), 200),
        (basic("bob", "b" * 72), 200),
        (basic("bob", "b" * 100), 200),  # bcrypt ends at 72 bytes, in every tool
        (basic("ann", "päss:word"), 401),
        (basic("ann", ""), 401),
        (basic("bob", "päss:wörd"), 401),
        (basic("eve", "päss:wörd"), 401),
        (basic("", ""), 401),
        (basic("ann", "\0"), 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"ann").decode(), 401),
        ("Bearer " + basic("ann", "päss:wörd").split()[1], 401),
        ("", 401),
    ],
)
def test_only_a_listed_user_with_the_right_password_gets_in(
    tmp_path: Path, authorization: str, status: int
) -> None:
    web = config(tmp_path, users(ann=hashed("päss:wörd".encode()), bob=hashed(b"b" * 72)))
    with serving(web=web) as server:
        for path in ("/metrics", "/metrics", "/", "/-/healthy"):
            answer, body = get(server, path, Authorization=authorization)
            assert answer == status
            assert status == 200 or body == b"user name and password, please\n"


def test_without_a_password_the_browser_is_told_to_ask_for_one(tmp_path: Path) -> None:
    with serving(web=config(tmp_path, users(ann=hashed(b"x")))) as server:
        answer = raw(server, b"HEAD /metrics HTTP/1.0\r\n\r\n")
        assert b"HTTP/1.1 401 Unauthorized\r\n" in answer
        assert b'WWW-Authenticate: Basic realm="bullgauge", charset="UTF-8"\r\n' in answer
        assert answer.endswith(b"\r\n\r\n")


def test_users_come_and_go_while_running_even_on_an_open_connection(tmp_path: Path) -> None:
    with serving(web=config(tmp_path, users(ann=hashed(b"x")))) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

        def status(name: str) -> int:
            connection.request("GET", "/metrics", headers={"Authorization": basic(name, "x")})
            response = connection.getresponse()
            response.read()
            return response.status

        assert (status("ann"), status("bob")) == (200, 401)
        replace(tmp_path / "web.yml", users(bob=hashed(b"x")))
        assert (status("ann"), status("bob")) == (401, 200)
        connection.close()


def seconds(action: Callable[[], object]) -> float:
    """How long a processor worked on it in this thread: a busy machine does not make it longer."""
    began = time.thread_time()
    action()
    return time.thread_time() - began


# Cost 11 takes some 100 ms; a remembered password a fraction of a millisecond.
COST = 11


def test_a_right_password_is_remembered_and_not_kept() -> None:
    listed = {b"ann": hashed(b"open sesame", COST).encode()}
    check, right = PasswordCheck(), basic("ann", "open sesame")
    first = seconds(lambda: check.allow(listed, right))
    again = min(seconds(lambda: check.allow(listed, right)) for _ in range(5))
    assert check.allow(listed, right)
    assert again < first / 10
    assert b"open sesame" not in repr(vars(check)).encode()


def test_a_remembered_password_is_forgotten_with_its_hash() -> None:
    check = PasswordCheck()
    assert check.allow({b"ann": hashed(b"old").encode()}, basic("ann", "old"))
    changed = {b"ann": hashed(b"new").encode()}
    assert not check.allow(changed, basic("ann", "old"))
    assert check.allow(changed, basic("ann", "new"))


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    listed = {b"ann": hashed(b"right", COST).encode()}
    check = PasswordCheck()
    assert check.allow(listed, basic("ann", "right"))
    wrong = min(seconds(lambda: check.allow(listed, basic("ann", "wrong"))) for _ in range(3))
    unknown = min(seconds(lambda: check.allow(listed, basic("eve", "wrong"))) for _ in range(3))
    borrowed = min(seconds(lambda: check.allow(listed, basic("eve", "right"))) for _ in range(3))
    assert wrong / 2 < unknown < wrong * 2
    assert wrong / 2 < borrowed < wrong * 2
    assert not check.allow(listed, basic("eve", "right"))


def test_headers_of_the_file_replace_ours_and_an_empty_one_removes_it(tmp_path: Path) -> None:
    text = "http_server_config: {headers: {X-Frame-Options: sameorigin, Content-Security-Policy: '', %s}}"
    web = config(tmp_path, text % "Strict-Transport-Security: max-age=600")
    with serving(web=web) as server:
        for path in (b"/", b"/none"):
            answer = raw(server, b"GET " + path + b" HTTP/1.0\r\n\r\n")
            assert answer.count(b"X-Frame-Options: sameorigin\r\n") == answer.count(b"X-Frame-Options") == 1
            assert b"Strict-Transport-Security: max-age=600\r\n" in answer
            assert b"Content-Security-Policy" not in answer
