"""The pages, asked through `wsgiref.validate`, which holds both sides to PEP 3333."""

import base64
import gzip
import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from exporter.groups import AGES, ALL, CACHES, REDIS, SIZES, Choice
from exporter.web.pages import Target, application

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# As Prometheus 2.42 sends it, as 3.x builds it (scrape.go, acceptHeader), and as versions before 2.33 did.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
    + PROMETHEUS_3
)
PROMETHEUS_3_TEXT_FIRST = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3"
)
PROMETHEUS_OLD = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


@dataclass
class Watched:
    """A target that has its pages already, and notes how long it was given for each."""

    name: str = "main"
    text: bytes = b"queue_redis_up 1\n" * 100
    openmetrics_text: bytes = b"queue_redis_up 1.0\n# EOF\n"
    reason: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    given_seconds: list[float | None] = field(default_factory=list)
    groups: Choice = ALL
    wanted: list[Choice] = field(default_factory=list)

    def page(self, *, openmetrics: bool, timeout_seconds: float | None, wanted: Choice) -> bytes:
        self.given_seconds.append(timeout_seconds)
        self.wanted.append(wanted)
        return self.openmetrics_text if openmetrics else self.text

    def ready(self) -> str | None:
        return self.reason

    def status(self) -> Mapping[str, str]:
        return self.facts


class Broken(Watched):
    def page(self, *, openmetrics: bool, timeout_seconds: float | None, wanted: Choice) -> bytes:  # noqa: ARG002
        raise ZeroDivisionError("secret detail")


@dataclass
class Watch:
    default: Target = field(default_factory=Watched)
    named: Mapping[str, Target] = field(default_factory=dict)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(watch: Watch, path: str, method: str = "GET", **headers: str) -> Answer:
    """The answer to one request; `headers` in WSGI's spelling without `HTTP_`."""
    path, _, query = path.partition("?")
    environ = {f"HTTP_{name}": value for name, value in headers.items()}
    environ |= {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "SCRIPT_NAME": ""}
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status, sent, exc_info=None):
        started.append((status, sent))
        return lambda _: None

    chunks = validator(application(watch))(environ, start_response)
    body = b"".join(chunks)
    chunks.close()
    ((status, sent),) = started
    assert len(dict(sent)) == len(sent)
    return Answer(int(status.split()[0]), dict(sent), body)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_NATIVE_HISTOGRAMS, OPENMETRICS),
        (PROMETHEUS_3_TEXT_FIRST, TEXT),
        (PROMETHEUS_OLD, TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.6", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("*/*", TEXT),
        ("application/json", TEXT),
        ("", TEXT),
        (";;,q=1;=,application/openmetrics-text;q=nan", TEXT),
    ],
)
def test_the_format_is_the_one_the_client_wants_most(accept: str, expected: str) -> None:
    watched = Watched()
    answer = ask(Watch(watched), "/metrics", ACCEPT=accept)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == expected
    assert answer.body == (watched.openmetrics_text if expected is OPENMETRICS else watched.text)


def test_without_an_accept_header_the_page_is_text() -> None:
    assert ask(Watch(), "/metrics").headers["Content-Type"] == TEXT


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0.5, identity;q=0", True),
        ("gzip;q=0", False),
        ("gzip;q=0.2, identity", False),
        ("gzip; q=bad", False),
        ("identity", False),
        ("br", False),
        ("", False),
    ],
)
def test_a_page_is_compressed_only_for_who_wants_it(accepted: str, compressed: bool) -> None:
    watched = Watched()
    answer = ask(Watch(watched), "/metrics", ACCEPT_ENCODING=accepted)
    assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    assert (gzip.decompress(answer.body) if compressed else answer.body) == watched.text
    assert (len(answer.body) < len(watched.text)) == compressed


@pytest.mark.parametrize(("header", "given"), [("10", 9.5), ("15.000000", 14.5), ("1", 0.5), ("0.5", 0.25)])
@pytest.mark.parametrize("path", ["/metrics", "/probe?target=other"])
def test_the_page_has_the_scrape_timeout_less_a_margin(path: str, header: str, given: float) -> None:
    watched = Watched()
    ask(Watch(watched, {"other": watched}), path, X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS=header)
    assert watched.given_seconds == [given]


def test_without_the_header_the_page_has_no_time_limit() -> None:
    watched = Watched()
    ask(Watch(watched), "/metrics")
    assert watched.given_seconds == [None]


@pytest.mark.parametrize("header", ["", "ten", "0", "-1", "nan", "inf", "1" * 4000, "1e999", "\xff"])
def test_a_malformed_timeout_is_refused_in_one_line(header: str) -> None:
    watched = Watched()
    answer = ask(Watch(watched), "/metrics", X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS=header)
    assert answer.status == 400
    assert answer.body.count(b"\n") == 1
    assert len(answer.body) < 200
    assert watched.given_seconds == []


@pytest.mark.parametrize("path", ["/metrics?", "/probe?target=other&"])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("collect[]=sizes&collect[]=ages", {SIZES, AGES}),
        ("collect%5B%5D=redis&x=1", {REDIS}),
        ("collect=caches", {SIZES, AGES, REDIS}),
        ("", {SIZES, AGES, REDIS}),
    ],
)
def test_a_page_has_the_groups_that_are_named_or_all_that_there_are(path, query, wanted) -> None:
    watched = Watched(groups=frozenset({SIZES, AGES, REDIS}))
    assert ask(Watch(watched, {"other": watched}), path + query).status == 200
    assert watched.wanted == [wanted]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("collect[]=size", "collect[]: 'size' is no group of metrics; did you mean sizes?"),
        ("collect[]=", "collect[]: '' is no group of metrics; must be one of sizes, ages, "),
        (
            "collect[]=sizes&collect[]=%0A%ff%3Cb%3E",
            "collect[]: '\\n\\ufffd<b>' is no group of metrics; must be ",
        ),
        ("collect[]=" + "x" * 4000, f"collect[]: '{'x' * 39} is no group of metrics; must be one of "),
        ("collect[]=caches", "collect[]: 'caches' is not read here: the setting `collect` has sizes, ages, "),
    ],
)
def test_a_group_that_can_not_be_had_is_refused_in_one_line(query: str, said: str) -> None:
    watched = Watched(groups=ALL - {CACHES})
    answer = ask(Watch(watched), f"/metrics?{query}")
    assert answer.status == 400
    assert answer.body.decode().startswith(said)
    assert answer.body.count(b"\n") == 1 and len(answer.body) < 200
    assert watched.wanted == []


def test_probe_shows_the_target_of_that_name() -> None:
    watch = Watch(named={"a b/ü": Watched(text=b"one 1\n"), "two": Watched(text=b"two 2\n")})
    assert ask(watch, "/probe?target=a%20b%2F%C3%BC").body == b"one 1\n"
    assert ask(watch, "/probe?module=x&target=two").body == b"two 2\n"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?target=nobody", 404),
        ("?target=main", 404),  # the default's own name: not in the list
        ("?target=redis://h:1", 404),
        ("?target=%0A%ff%00", 404),
        ("?target=", 404),
        ("?target=two&target=two", 400),
        ("?target", 404),
        ("?other=two", 400),
        ("", 400),
        ("?" + "&" * 2000, 400),
    ],
)
def test_probe_refuses_what_is_not_in_the_list_and_tells_no_names(query: str, status: int) -> None:
    watched = Watched(facts={"redis": "redis://secret.example"})
    answer = ask(Watch(named={"two": watched}), f"/probe{query}")
    assert answer.status == status
    assert answer.body.count(b"\n") == 1
    assert b"two" not in answer.body
    assert b"secret" not in answer.body
    assert watched.given_seconds == []


def test_health_and_readiness() -> None:
    watched = Watched()
    assert ask(Watch(watched), "/-/healthy").status == 200
    assert ask(Watch(watched), "/-/ready").status == 200
    watched.reason = "no answer from Redis yet"
    assert ask(Watch(watched), "/-/healthy").status == 200
    not_ready = ask(Watch(watched), "/-/ready")
    assert (not_ready.status, not_ready.body) == (503, b"not ready: no answer from Redis yet\n")


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe?target=two", "/-/healthy", "/-/ready", "/none"])
def test_head_answers_like_get_without_the_body(path: str) -> None:
    watch = Watch(named={"two": Watched()})
    got, head = ask(watch, path), ask(watch, path, "HEAD")
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert int(got.headers["Content-Length"]) == len(got.body) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_with_those_allowed(method: str) -> None:
    answer = ask(Watch(), "/metrics", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/metrics/", "/Metrics", "//metrics", "/../etc/passwd", "/\x00\xff\n<b>", "/%s%n"]
)
def test_any_other_path_is_not_found_and_not_echoed(path: str) -> None:
    answer = ask(Watch(), path)
    assert (answer.status, answer.body) == (404, b"no such page; / lists those there are\n")


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe", "/none", "/-/ready"])
def test_every_answer_carries_the_security_headers(path: str) -> None:
    headers = ask(Watch(), path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "deny"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_fault_of_ours_is_logged_in_one_line_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = ask(Watch(Broken()), "/metrics")
    assert answer.status == 500
    assert answer.body == b"internal error; the exporter's log says more\n"
    (record,) = caplog.records
    assert record.getMessage() == "/metrics: ZeroDivisionError('secret detail')"
    assert record.exc_info is None or record.exc_info is False


class Page(HTMLParser):
    """What a browser would find: addresses, style and text; fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_landing_page_links_everything_and_shows_the_facts() -> None:
    main = Watched("main", facts={"redis": "redis://localhost:6379/0", "queues": "12"})
    html = ask(Watch(main, {"a&b": Watched('<b>"', facts={"lag": "<script>"})}), "/").body.decode()
    page = Page(html)
    for address in ("/metrics", "/-/healthy", "/-/ready", "/probe?target=a%26b"):
        assert address in page.addresses
    for text in ("redis://localhost:6379/0", "12", "&lt;b&gt;&quot;", "&lt;script&gt;"):
        assert text in html


def test_the_landing_page_asks_nothing_of_anybody_else() -> None:
    answer = ask(Watch(named={"two": Watched()}), "/")
    html = answer.body.decode()
    assert all(address.startswith("/") for address in Page(html).addresses)
    assert {"script", "link", "img", "iframe"}.isdisjoint(Page(html).tags)
    assert "url(" not in html and "@import" not in html
    # The browser applies the style only if its hash is the one of the policy.
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "color-scheme: light dark" in style[1]


def test_the_documentation_is_linked_where_there_is_an_address() -> None:
    environ: dict[str, object] = {"PATH_INFO": "/"}
    setup_testing_defaults(environ)
    (body,) = application(Watch(), "https://docs.example/?a&b")(environ, lambda *_: None)
    assert "https://docs.example/?a&b" in Page(body.decode()).addresses
