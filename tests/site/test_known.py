"""How the head of a request is cut from what has come."""

import pytest

from botwire_site.known import Head


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET /memory/a/k HTTP/1.1\r\n\r\n", Head("GET", b"/memory/a/k", b"", 28)),
        (b"GET /memory/a HTTP/1.1\r\nA: b\r\n\r\nrest", Head("GET", b"/memory/a", b"A: b", 32)),
        (
            b"PUT /memory/a/%C3%A9 HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n",
            Head("PUT", b"/memory/a/%C3%A9", b"A: b\r\nC: d", 45),
        ),
        (b"GET /memory/a/k HTTP/1.1\r\nA: b\r\n", None),
        (b"GET /memory/a/k HTTP/1.1\r\n", None),
        (b"GET /memory/a/k HTTP/1.1\n\n", None),
        (b"GET /memory/a/k?x=1 HTTP/1.1\r\n\r\n", None),
        (b"GET /memory/a/k#x HTTP/1.1\r\n\r\n", None),
        (b"GET /memory/a/\xc3\xa9 HTTP/1.1\r\n\r\n", None),
        (b"GET /memory/a/a b HTTP/1.1\r\n\r\n", None),
        (b"GET http://a/memory/a/k HTTP/1.1\r\n\r\n", None),
        (b"POST /memory/a/k HTTP/1.1\r\n\r\n", None),
        (b"GET /memory/a/k HTTP/1.0\r\n\r\n", None),
        (b"GET /other/a/k HTTP/1.1\r\n\r\n", None),
        (b" GET /memory/a/k HTTP/1.1\r\n\r\n", None),
        (b"", None),
    ],
)
def test_a_head_is_cut_where_its_empty_line_is(data, expected):
    assert Head.of(data) == expected
