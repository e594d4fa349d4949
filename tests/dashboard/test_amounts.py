"""How numbers are written for people: three figures, the right unit, never an exponent, never 0 for what is not."""

from __future__ import annotations

import re

import pytest

from dashboard import amounts

SPREAD = [number * 10.0**power for power in range(-6, 9) for number in (1.0, 1.004, 4.56, 9.994, 9.999)]


@pytest.mark.parametrize("write", [amounts.jobs, amounts.share, amounts.seconds, amounts.size, amounts.times])
def test_no_number_is_written_with_an_exponent_and_none_but_nothing_is_nought(write) -> None:  # type: ignore[no-untyped-def]
    for value in SPREAD:
        written = write(value)
        assert re.fullmatch(r"[\d,]+(\.\d+)?( \S+)?", written), (value, written)
        if write is not amounts.size:  # there is no smaller part than a byte
            assert float(written.split(" ")[0].replace(",", "")) > 0, (value, written)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (amounts.seconds(0.9996), "1 s"),
        (amounts.seconds(59.97), "1 min"),
        (amounts.seconds(0.0123456), "12.3 ms"),
        (amounts.size(1010 * 2**20), "1,010 MiB"),
        (amounts.times(200), "200"),
        (amounts.times(1.04), "1.0"),
        (amounts.jobs(2.0000001), "2"),
        (amounts.jobs(0.04), "0.04"),
        (amounts.share(0.99951), "99.95 %"),
    ],
)
def test_a_number_is_rounded_before_its_unit_is_chosen(written: str, wanted: str) -> None:
    assert written == wanted
