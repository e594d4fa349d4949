"""Two names never share a label, whatever bytes they hold."""

import re
from random import Random

from exporter.keys import label
from tests.exporter.bad_days.looking import eventually, size

PIECES = (
    b"\\",
    b"x",
    b"5",
    b"c",
    b"f",
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xa9",
    b"\\xff",
    b"\\x5c",
    b"a",
    "é".encode(),
)


NAMES = ("a\\xff", "a\\x5cxff")


def bytes_of(text: str) -> bytes:
    """The rule of docs/compatibility.md the other way: each `\\xNN` that stands for one byte becomes it."""
    parts = re.split(r"\\x(5c|[89a-f][0-9a-f])", text)
    plain, escaped = parts[::2], parts[1::2]
    tail = plain.pop()
    return (
        b"".join(p.encode() + bytes.fromhex(e) for p, e in zip(plain, escaped, strict=True)) + tail.encode()
    )


def test_a_name_can_be_told_from_its_label_whatever_bytes_it_holds():
    random = Random(3)
    names = [b"".join(random.choices(PIECES, k=random.randint(1, 9))) for _ in range(20_000)]
    assert all(bytes_of(label(name)) == name for name in names)


def test_a_byte_and_the_text_that_shows_it_have_different_labels():
    assert (label(b"a\xff"), label(b"a\\xff"), label(b"a\\x5cxff")) == ("a\\xff", "a\\x5cxff", "a\\x5cx5cxff")


def test_a_backslash_that_could_be_nothing_else_stays_as_it_is():
    assert label(b"C:\\jobs\\x1\\xzz\\") == "C:\\jobs\\x1\\xzz\\"


def test_both_queues_are_on_the_page(redis_server, exporter):
    client = redis_server.client()
    for length, name in enumerate((b"a\xff", b"a\\xff"), start=1):
        client.set(b"bull:" + name + b":id", 9)
        client.rpush(b"bull:" + name + b":wait", *range(1, length + 1))
    page = eventually(exporter(redis_server.url), lambda page: size(page, "waiting", NAMES[1]) is not None)
    assert [size(page, "waiting", name) for name in NAMES] == [1, 2]
