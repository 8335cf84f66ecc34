"""The load generator: what is handed to wrk, and what is read from it."""

import pytest

from benchmarks.dialects import BotWire, Request
from benchmarks.load import LoadFailed, Result, as_file, fill, parse, send

WRK = """\
Running 5s test @ http://127.0.0.1:8000
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    24.91ms    7.61ms  94.71ms   82.13%
  6418 requests in 5.01s, 8.31MB read
Requests/sec:   1281.04
RESULT {"requests": 6418, "microseconds": 5010000, "refused": 3, "lost": 1, "p50": 22260, "p99": 99300}
"""


def test_a_result_is_read_from_among_what_wrk_prints():
    assert parse(WRK) == Result(requests=6418, seconds=5.01, refused=3, lost=1, p50=0.02226, p99=0.0993)


def test_a_wrk_that_gives_up_is_quoted():
    with pytest.raises(LoadFailed, match="unable to connect to"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_requests_are_written_with_their_length_in_bytes():
    put = Request("PUT", "/memory/n/k", '{"value": "é"}'.encode(), (("Content-Type", "application/json"),))

    assert as_file([put, Request("GET", "/memory/n/k")]) == (
        b"112\nPUT /memory/n/k HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 15\r\n\r\n"
        b'{"value": "\xc3\xa9"}'
        b"45\nGET /memory/n/k HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )


@pytest.mark.only_on("sqlite")
def test_what_fills_a_server_is_there_afterwards(server, namespace):
    says = BotWire()
    names = [f"{namespace}-{number}" for number in range(3)]

    fill(server.port, [[says.put(name, key, f"{name} {key}") for key in ("a b", "c/d")] for name in names])

    gets = [says.get(name, key) for name in names for key in ("a b", "c/d")]
    assert [says.value_in(answer) for answer in send(server.port, gets)] == [
        f"{name} {key}" for name in names for key in ("a b", "c/d")
    ]
    assert says.count_in(send(server.port, [says.keys(names[0], 10)])[0]) == 2


@pytest.mark.only_on("sqlite")
def test_a_refusal_is_no_result(server, namespace):
    with pytest.raises(LoadFailed, match=rf"GET /memory/{namespace}/k was answered 404: .*key_not_found"):
        send(server.port, [BotWire().get(namespace, "k")])
