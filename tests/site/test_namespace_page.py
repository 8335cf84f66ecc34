"""`/n/<namespace>/`: what an agent's developer sees of a namespace, and what nobody is shown."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.db import InterfaceError, connection
from django.test.utils import CaptureQueriesContext

from botwire_site.visible import visible
from namespaces import tally
from namespaces.models import Namespace
from tests.factories import NamespaceFactory
from tests.namespaces.corpus import KEYS, VALUES
from tests.plans import plan_of

HOSTILE_KEYS = sorted(
    {key for _, key in KEYS}
    | {"<script>alert(1)</script>", 'a"b', "</title>", "evil\u202egnp.exe", "\u2028", "a\u00a0b"}
)


@pytest.fixture
def put(visitor, namespace):
    """Write through the API; the value is its JSON text."""

    def put(key: str, value: str = "1", **headers: str) -> None:
        address = f"/memory/{namespace}/{quote(key, safe='')}"
        body = f'{{"value": {value}}}'
        assert visitor.put(address, body, content_type="application/json", headers=headers).status_code in (200, 201)

    return put


@pytest.fixture
def show(visitor, namespace):
    """The page, at a query."""

    def show(query: str = "", name: str = namespace):
        return visitor.get(f"/n/{name}/{query}")

    return show


def keys_on(page) -> list[str]:
    """The keys that are listed, as they are shown."""
    rows = re.findall(r'<li><a href="[^"]*"[^>]*>(.*?)</a></li>', page.text.partition('class="key-list"')[2])
    return [unescape(re.sub(r"</?span[^>]*>", "", row)) for row in rows]


def test_usage_is_what_is_left(put, show, namespace):
    for number in range(12):
        put(f"k{number}")

    page = re.sub(r"<[^>]+>|\s+", " ", show().text)

    assert re.search(r" 988 +of 1,000 writes left, resets +00:00 UTC", page)
    assert re.search(r" 38 +of 52,428,800 bytes stored", page)
    assert re.search(r" 12 +entries, last write", page)
    assert "anyone who knows its name can read, change and delete" in page


def test_nobody_keeps_indexes_or_is_told_of_it(put, show, visitor, namespace):
    put("k")

    for answer in (show(), show(name="never-written"), show("?bogus=1"), visitor.get(f"/n/{namespace}/export.ndjson")):
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert set(answer.cookies) <= {"csrftoken"}
        assert answer.getvalue()  # which closes an export
    assert '<meta name="robots" content="noindex, nofollow">' in show().text


def test_an_unknown_namespace_gets_a_first_write_to_paste(show):
    page = show(name="never-written")

    assert page.status_code == 404
    assert "curl -X PUT http://testserver/memory/never-written/hello" in page.text
    assert Namespace.objects.count() == 0


def test_a_name_that_cannot_be_one_is_refused_in_words(show, visitor):
    for answer in (show(name="-x"), show(name="%3Cscript%3E"), visitor.get("/n/?namespace=a+b")):
        assert answer.status_code == 400
        assert "Not a namespace&#x27;s name" in answer.text
        assert "<script>" not in answer.text


def test_the_form_leads_to_the_page(visitor):
    assert visitor.get("/n/?namespace=%20desk+")["Location"] == "/n/desk/"
    assert visitor.get("/n/desk")["Location"] == "/n/desk/"
    assert "There is no list of names" in visitor.get("/n/").text


def test_keys_are_paged_in_byte_order_and_filtered_by_prefix(put, show):
    names = [f"a{number:03}" for number in range(150)] + ["b"]
    for name in names:
        put(name)

    first, only = show(), show("?prefix=b")
    following = unescape(re.search(r'href="([^"]+)" rel="next"', first.text)[1])
    second = show("?" + following.partition("?")[2])

    assert keys_on(first) + keys_on(second) == names
    assert keys_on(only) == ["b"]
    assert 'rel="next"' not in second.text
    assert "First page" in second.text
    assert "No key begins with <code>zz</code>" in re.sub(r"\s+", " ", show("?prefix=zz").text)


def test_an_emptied_namespace_says_what_to_do(put, show, visitor, namespace):
    put("k")
    visitor.delete(f"/memory/{namespace}/k")

    assert "There is no entry now. Write one:" in show().text


@pytest.mark.parametrize("text", VALUES)
def test_a_value_is_shown_as_it_is_stored(put, show, text):
    put("k", text, **{"X-BotWire-Agent": "quant-1"})

    page = show("?key=k")

    assert page.status_code == 200
    assert 'by <bdi class="writer">quant-1</bdi> <span class="status declared">self-declared</span>' in page.text
    raw = re.search(r'<details class="raw">.*?<code>(.*?)</code>', page.text, re.DOTALL)[1]
    shown = unescape(re.sub(r'<span class="escape">\\u(....)</span>', lambda found: chr(int(found[1], 16)), raw))
    assert shown == text


def test_keys_are_shown_as_stored_and_their_links_lead_to_them(put, show, namespace):
    for number, key in enumerate(HOSTILE_KEYS):
        put(key, f'"value {number}"')

    page = show().text
    links = [unescape(link) for link in re.findall(rf'href="(/n/{namespace}/\?[^"]*key=[^"]*)"', page)]

    assert len(links) == len(HOSTILE_KEYS)
    for link in links:
        opened = show("?" + link.partition("?")[2])
        assert opened.status_code == 200
        heading = re.search(r'<h2 id="entry"><code>(.*?)</code>', opened.text)[1]
        number = int(re.search(r"value (\d+)", opened.text)[1])
        assert unescape(re.sub(r"</?span[^>]*>", "", heading)) == visible(HOSTILE_KEYS[number])
        assert "<script>" not in opened.text
        assert "\u202e" not in opened.text


def test_a_key_that_is_not_there_says_so_beside_the_list(put, show):
    put("k")

    page = show("?key=other&prefix=k")

    assert page.status_code == 404
    assert "There is no entry under this key" in page.text
    assert keys_on(page) == ["k"]


def test_a_place_is_an_address_that_keeps_prefix_and_key(put, show, namespace):
    put("a/b")
    put("a/c")

    page = show("?prefix=a%2F&key=a%2Fb").text

    assert f'href="/n/{namespace}/?prefix=a%2F&amp;key=a%2Fc"' in page
    assert f'<a href="/n/{namespace}/?prefix=a%2F">Close</a>' in page
    assert 'name="prefix" value="a/"' in page


@pytest.mark.parametrize("query", ["?cursor=!", "?prefix=%00", "?key=%FF", "?key=..", "?bogus=1", "?key=a&key=b"])
def test_what_cannot_be_understood_is_refused_in_words(put, show, query):
    put("k")

    page = show(query)

    assert page.status_code == 400
    assert "<h1>" in page.text


def test_a_suspended_namespace_shows_the_reason_and_nothing_of_its_content(visitor, show, put, namespace):
    put("hidden-key", '"hidden value"')
    until = datetime(2099, 1, 31, 12, 30, tzinfo=UTC)
    Namespace.objects.filter(name=namespace).update(
        status="suspended", status_reason="Spam <b>\u202e", status_until=until
    )

    page, export = show("?key=hidden-key"), visitor.get(f"/n/{namespace}/export.ndjson")

    assert (page.status_code, export.status_code) == (403, 403)
    assert 'Spam &lt;b&gt;<span class="escape">\\u202e</span>' in page.text
    assert "<strong>Reason:</strong>" in page.text
    assert "2099-01-31 12:30 UTC" in page.text
    assert '<a href="/docs/errors#namespace_suspended">' in page.text
    assert "hidden" not in page.text + export.text
    assert "Spam" in export.text


def test_a_suspension_that_is_over_hides_nothing(show, put, namespace):
    put("k")
    over = datetime.now(UTC) - timedelta(seconds=1)
    Namespace.objects.filter(name=namespace).update(status="suspended", status_until=over)

    assert keys_on(show()) == ["k"]


def test_a_read_only_namespace_is_shown_with_the_reason(show):
    NamespaceFactory(name="desk", status="read_only", status_reason="moving house")

    page = show(name="desk")

    assert page.status_code == 200
    assert "An operator allows no writes here" in page.text
    assert "moving house" in page.text


def test_the_export_is_the_api_s_as_a_file(put, visitor, namespace):
    for number, text in enumerate(VALUES):
        put(f"k{number:02}", text)
    put("other")

    answer = visitor.get(f"/n/{namespace}/export.ndjson?prefix=k")

    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"] == f'attachment; filename="{namespace}.ndjson"'
    exported = visitor.get(f"/namespaces/{namespace}/export?prefix=k")
    assert b"".join(answer.streaming_content) == b"".join(exported.streaming_content)


def test_an_export_of_nothing_known_is_refused(visitor):
    assert visitor.get("/n/never-written/export.ndjson").status_code == 404


def test_reads_are_counted_as_the_api_counts_them(put, show, visitor, namespace, monkeypatch):
    put("k")
    monkeypatch.setattr(tally, "_is_started", True)
    tally._reads.clear()

    show()
    show("?key=k")
    visitor.get(f"/n/{namespace}/export.ndjson").getvalue()
    show("?key=none")

    assert tally._reads.pop(namespace) == 1 + 2 + 1 + 1


@pytest.mark.parametrize("query", ["", "?prefix=k&key=k000"])
def test_a_view_is_a_few_statements_by_index_whatever_the_size(put, show, query):
    for number in range(120):
        put(f"k{number:03}")

    with CaptureQueriesContext(connection) as asked:
        show(query)

    assert len(asked) == (6 if query else 3)
    for statement in asked:
        plan = plan_of(statement["sql"])
        assert "SCAN namespaces" not in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "COUNT(" not in statement["sql"].upper()


def test_a_failure_to_load_is_an_error_and_never_empty(visitor, namespace):
    def fail(*arguments):
        raise InterfaceError("gone")

    with connection.execute_wrapper(fail):
        page = visitor.get(f"/n/{namespace}/?prefix=a%2F")

    assert page.status_code == 503
    assert f'<a class="button" href="/n/{namespace}/?prefix=a%2F">Try again</a>' in page.text
    assert page["Retry-After"] == "1"
    assert page["Cache-Control"] == "no-store"
    assert "nothing was ever written" not in page.text
