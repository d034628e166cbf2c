"""How much a client wants something, from headers as they are sent."""

import pytest

from timbre.http.negotiation import weight

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("header", "names", "expected"),
    [
        (CHROME, ("text/html",), 1.0),
        (CHROME, ("application/json",), 0.0),
        (CHROME, ("application/json", "application/*", "*/*"), 0.8),
        ("", ("gzip", "*"), 0.0),
        ("gzip, deflate, br", ("br", "*"), 1.0),
        ("GZIP ; Q = 0.5 , br;q=1.0", ("gzip",), 0.5),
        ("gzip;q=0", ("gzip", "*"), 0.0),
        ("*;q=0.3, gzip;q=0", ("gzip", "*"), 0.0),
        ("*;q=0.3, gzip;q=0", ("br", "*"), 0.3),
        ("text/html;level=1;q=0.4", ("text/html",), 0.4),
        ("gzip;q=much", ("gzip",), 1.0),
    ],
)
def test_the_most_particular_name_that_is_listed_counts(header: str, names: tuple[str, ...], expected: float):
    assert weight(header, *names) == expected
