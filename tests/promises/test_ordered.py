"""Ordered: every accepted write takes the next revision, and a finished write is seen by every later read."""

import os
import random
from contextlib import ExitStack
from itertools import chain, pairwise
from pathlib import Path

from tests.promises.books import books_of
from tests.promises.racing import client_of, outcome_of, race

WORKERS = min(os.cpu_count() or 1, 4)  # what `manage.py serve` starts
PROCESSES_THAT_COUNT = 16
INCREMENTS = 5


def create_in_turn(racer, paths):
    """This racer's answers to the creation of each path, which all racers try at once."""
    answers = []
    for path in paths:
        racer.meet()
        answers.append(racer.client.put(path, json={"value": racer.number}, headers={"If-None-Match": "*"}))
    return answers


def test_of_50_creators_exactly_one_creates(server, namespace, http):
    in_one_namespace = [f"/memory/{namespace}/{number}" for number in range(4)]
    first_writes = [f"/memory/{namespace}:{number}/key" for number in range(3)]
    paths = in_one_namespace + first_writes

    answers_by_path = zip(*race(create_in_turn, server.url, paths, processes=10, threads=5), strict=True)

    for path, answers in zip(paths, answers_by_path, strict=True):
        [(winner, created)] = [(number, answer) for number, answer in enumerate(answers) if answer.is_success]
        refused = [answer for answer in answers if answer is not created]
        assert created.status_code == 201
        assert [outcome_of(answer) for answer in refused] == [(412, "precondition_failed")] * 49
        assert {answer.json()["current_version"] for answer in refused} == {created.json()["version"]}
        assert {answer.headers["ETag"] for answer in refused} == {created.headers["ETag"]}
        assert http.get(path).json()["value"] == winner
    for name, revision in {namespace: 4, **{f"{namespace}:{number}": 1 for number in range(3)}}.items():
        books = books_of(server, name)
        books.assert_balanced()
        assert books.counters.revision == sum(books.writes_by_day.values()) == revision


def write_at_random(racer, namespace, times):
    """Sets, deletes and clears on keys that all racers share; gives (key, value, version) of the sets and deletes."""
    choice = random.Random(racer.number)
    accepted = []
    for number in range(times):
        key = f"{choice.choice('ab')}{choice.randrange(3)}"
        kind = choice.choices(("set", "delete", "clear"), (14, 5, 1))[0]
        if kind == "clear":
            answer = racer.client.delete(f"/memory/{namespace}", params={"prefix": key[0]})
            assert answer.is_success, answer.text
            continue
        value = racer.number * 1_000 + number if kind == "set" else None
        body = {"json": {"value": value}} if kind == "set" else {}
        answer = racer.client.request("PUT" if kind == "set" else "DELETE", f"/memory/{namespace}/{key}", **body)
        if answer.is_success:
            accepted.append((key, value, answer.json()["version"]))
        else:
            assert outcome_of(answer) == (404, "key_not_found"), answer.text
    return accepted


def test_revisions_have_no_gap_under_sets_deletes_and_clears(server, namespace, http, one_day):
    http.put(f"/memory/{namespace}/first", json={"value": 0})

    accepted = race(write_at_random, server.url, namespace, 24, threads=4)

    books = books_of(server, namespace)
    books.assert_balanced()
    log = {change.revision: change for change in books.log}
    assert len(books.log) > 400
    for key, value, version in chain(*accepted):
        kind, text = ("delete", None) if value is None else ("set", str(value))
        assert (log[version].kind, log[version].key, log[version].value) == (kind, key, text)
    assert len({version for *_, version in chain(*accepted)}) == sum(map(len, accepted))
    for own in accepted:
        assert all(earlier < later for (*_, earlier), (*_, later) in pairwise(own))
    listed = http.get(f"/memory/{namespace}", params={"include": "values"}).json()["entries"]
    assert {entry["key"]: (entry["version"], str(entry["value"])) for entry in listed} == books.entries


def test_a_version_never_comes_again_after_delete_and_clear(server, namespace, http):
    path = f"/memory/{namespace}/key"
    versions = []

    for way_to_remove in (path, f"/memory/{namespace}", path):
        versions.append(http.put(path, json={"value": 1}).json()["version"])
        http.delete(way_to_remove)
    versions.append(http.put(path, json={"value": 1}).json()["version"])

    assert versions == [1, 3, 5, 7]
    stale = [http.put(path, json={"value": 2}, headers={"If-Match": f'"{version}"'}) for version in (1, 3, 5)]
    assert [answer.status_code for answer in stale] == [412] * 3


def increment(racer, path, times):
    """Count up by compare-and-set; returns how often another racer came first."""
    lost = 0
    for _ in range(times):
        while not _increment_once(racer.client, path):
            lost += 1
            assert lost < 1_000
    return lost


def _increment_once(client, path) -> bool:
    found = client.get(path)
    number = found.json()["value"] + 1
    answer = client.put(path, json={"value": number}, headers={"If-Match": found.headers["ETag"]})
    assert answer.status_code in (200, 412), answer.text
    return answer.is_success


def test_increments_by_16_processes_lose_nothing(server, namespace, http):
    path = f"/memory/{namespace}/counter"
    http.put(path, json={"value": 0})

    lost = race(increment, server.url, path, INCREMENTS, processes=PROCESSES_THAT_COUNT, threads=1)

    assert sum(lost) > 0
    assert http.get(path).json()["value"] == PROCESSES_THAT_COUNT * INCREMENTS
    books = books_of(server, namespace)
    books.assert_balanced()
    assert [int(change.value) for change in books.log] == list(range(PROCESSES_THAT_COUNT * INCREMENTS + 1))


def test_a_finished_write_is_seen_by_every_worker(server, namespace):
    path = f"/memory/{namespace}/key"
    with ExitStack() as stack:
        clients = connect_to_every_worker(server, stack)

        for number, writer in enumerate(clients[:12]):
            written = writer.put(path, json={"value": number}).json()["version"]
            answers = [reader.get(path).json() for reader in clients]
            assert {(answer["value"], answer["version"]) for answer in answers} == {(number, written)}

        clients[0].delete(path)
        assert {client.get(path).status_code for client in clients} == {404}


def connect_to_every_worker(server, stack):
    """At least a dozen clients, each with a connection of its own, and as many more as it takes."""
    clients = []
    while len(clients) < 12 or len(workers_with_connections(server)) < WORKERS:
        assert len(clients) < 200
        clients.append(stack.enter_context(client_of(server.url)))
        clients[-1].get("/healthz")
    return clients


def workers_with_connections(server):
    """The server's processes that hold a connection to its port (proc(5))."""
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port, established = f":{server.port:04X}", "01"
    sockets = {f"socket:[{row[9]}]" for row in table if row[1].endswith(port) and row[3] == established}
    return {pid for pid in server.process_ids() if sockets & open_files(pid)}


def open_files(pid):
    return {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
