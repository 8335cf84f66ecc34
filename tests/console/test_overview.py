"""`/admin/` and the jump: what the service does now, and the way from a name or an address to what it belongs to."""

import re
from datetime import timedelta

import pytest

from namespaces import clock, moderation, standing
from namespaces.models import DailyTotal, PurgeJob
from tests.factories import DailyUsageFactory, NamespaceFactory


def make(name, *, writes=0, refusals=None, **columns):
    made = NamespaceFactory(name=name, **{"last_write_at": clock.now(), **columns})
    DailyUsageFactory(namespace=made, writes=writes, bytes_written=writes, refusals=refusals or {})
    standing.refresh([name])
    return made


def text_of(answer):
    """What is read on a page: its words, without markup."""
    main = answer.content.decode().partition('id="content"')[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def links_of(answer, text):
    return re.findall(rf'<a href="([^"]+)"><span class="number">{text}</span>', answer.content.decode())


def test_an_empty_service_says_how_to_make_the_first_write(viewer):
    answer = viewer.get("/admin/")

    assert "curl -X PUT http://testserver/memory/trading-desk/tsla_signal" in answer.content.decode()


def test_the_first_write_works_as_it_stands(viewer, api):
    page = viewer.get("/admin/").content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    address, body = re.search(r"curl -X PUT http://testserver(\S+).*?-d '([^']+)'", page, re.DOTALL).groups()

    assert api.put(address, body, content_type="application/json").status_code == 201


def test_each_tile_leads_to_the_list_that_it_counts(viewer):
    make("full", writes=1_000, refusals={"daily_write_limit": 7})
    make("frozen", status="read_only")
    make("gone", status="suspended")
    make("back", status="suspended", status_until=clock.now() - timedelta(days=1))
    DailyTotal.objects.create(day=clock.day_of(clock.now()), writes=12_345, refusals={"daily_write_limit": 1_007})

    answer = viewer.get("/admin/")

    assert links_of(answer, "12,345") == ["/admin/namespaces/?order=writes"]
    assert links_of(answer, "1,007") == ["/admin/namespaces/?order=refused"]
    assert links_of(answer, "1") == [
        f"/admin/namespaces/?{q}" for q in ("use=full", "status=suspended", "status=read_only")
    ]
    kind = re.search(r'<a href="([^"]+)">1,007 daily write limit</a>', answer.content.decode()).group(1)
    assert "full" in text_of(viewer.get(kind.replace("&amp;", "&")))
    assert "gone" not in text_of(viewer.get(kind.replace("&amp;", "&")))


def test_the_lists_name_who_is_first(viewer):
    make("busy", writes=900, bytes=10)
    make("large", writes=10, bytes=2_000_000, created_from="192.0.2.9")
    make("sibling", created_from="192.0.2.9")

    page = text_of(viewer.get("/admin/"))

    assert "Closest to the write limit Namespace Writes today busy 900 of 1,000 large 10 of 1,000" in page
    assert "Largest Namespace Stored large 2.0 MB of 52.4 MB" in page
    assert "Fastest growing today Namespace Written today Stored busy 900 bytes 10 bytes large 10 bytes" in page
    assert "sibling just now 192.0.2.9 2" in page
    assert "busy just now unknown ?" in page


def test_a_running_purge_is_shown_with_how_far_it_is(viewer):
    job = {"expected": 2_000, "removed": 500, "operator": "o", "reason": "r", "up_to_revision": 9, "prefix": "a\u202e/"}
    PurgeJob.objects.create(namespace=make("n"), started_at=clock.now(), updated_at=clock.now(), **job)

    answer = viewer.get("/admin/")

    assert links_of(answer, "1") == ["#jobs"]
    assert r"Purge of n , keys under a\u202e/ , by o, begun just now 500 of about 2,000 entries" in text_of(answer)


def test_the_last_acts_are_shown_as_text(viewer):
    reason = "</script><b>\u202eloop"
    moderation.record(moderation.Action.SUSPEND, operator="o", reason=reason, namespace="n")

    page = viewer.get("/admin/").content.decode()

    assert r"&lt;/script&gt;&lt;b&gt;\u202eloop" in page


@pytest.mark.parametrize(
    ("to", "target"),
    [
        ("Desk-1", "/admin/namespaces/Desk-1/"),
        (" Desk-1 ", "/admin/namespaces/Desk-1/"),
        ("192.0.2.1", "/admin/namespaces/192.0.2.1/"),  # a namespace may be called so
        ("Desk", "/admin/namespaces/?prefix=Desk"),
        ("desk-1", "/admin/namespaces/?prefix=desk-1"),
        ("192.0.2.7", "/admin/namespaces/?address=192.0.2.7"),
        ("2001:DB8:0::1", "/admin/namespaces/?address=2001%3Adb8%3A%3A1"),
        ("[2001:db8::1]", "/admin/namespaces/?address=2001%3Adb8%3A%3A1"),
        ("a/b?c#d%2F", "/admin/namespaces/?prefix=a%2Fb%3Fc%23d%252F"),
        ("\0", "/admin/namespaces/?prefix=%00"),
        ("😀", "/admin/namespaces/?prefix=%F0%9F%98%80"),
        ("", "/admin/namespaces/"),
    ],
)
def test_a_jump_leads_to_the_namespace_or_to_a_list(viewer, to, target):
    make("Desk-1")
    make("192.0.2.1")

    answer = viewer.get("/admin/jump/", {"to": to})

    assert (answer.status_code, answer["Location"]) == (302, target)
    assert viewer.get(target).status_code == 200


@pytest.mark.parametrize("path", ["/admin/", "/admin/jump/", "/admin/namespaces/", "/admin/namespaces/n/"])
def test_these_pages_take_no_post_from_anyone(administrator, path):
    assert administrator.post(path).status_code == 405
