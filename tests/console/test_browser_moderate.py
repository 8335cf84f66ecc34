"""Moderation in a real browser, against a real server, under the real Content-Security-Policy."""

import json

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.console.test_purge_processes import manage
from tests.site.test_pages import browser, open_page  # noqa: F401 - a fixture

SESSION = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
user, _ = get_user_model().objects.get_or_create(username="{role}", defaults=dict(is_staff=True))
user.groups.add(Group.objects.get(name="{role}"))
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session.save()
print("SESSION", session.session_key)
"""


@pytest.fixture
def signed_in(server, browser):  # noqa: F811
    """`signed_in("viewer")`: a page of a browser in which an operator of that role is signed in, and its faults."""
    pages = []

    def make(role: str, **options) -> tuple[Page, list[str]]:
        said = manage(server, SESSION.format(role=role))
        [key] = [line.split()[1] for line in said.splitlines() if line.startswith("SESSION")]
        page, faults = open_page(browser, server.url, **options)
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": server.url}])
        pages.append(page)
        return page, faults

    yield make
    for page in pages:
        page.close()


@pytest.fixture
def agent(server, namespace):
    """An agent that has written once."""
    with httpx.Client(base_url=f"{server.url}/memory/{namespace}", timeout=30) as client:
        client.put("/k", json={"value": 1})
        yield client


def test_a_suspension_in_the_browser_reaches_the_agent_and_ends(server, agent, namespace, signed_in):
    page, faults = signed_in("moderator")
    page.goto(f"{server.url}/admin/namespaces/{namespace}/moderate/")

    page.check("#action-suspend")
    page.fill("#status-reason", "spam; write to the operator")
    expect(page.locator("#preview .body")).to_contain_text("spam; write to the operator")
    preview = page.locator("#preview .body").text_content()
    page.click("text=Set status")

    expect(page.locator(".now .status")).to_have_text("Suspended")
    told = agent.put("/k", json={"value": 2})
    assert (told.status_code, told.json()["code"]) == (403, "namespace_suspended")
    assert told.text == preview
    page.goto(f"{server.url}/admin/log/?namespace={namespace}")
    expect(page.locator("table.log tbody tr")).to_have_count(1)
    expect(page.locator("td.reason")).to_have_text("spam; write to the operator")

    page.goto(f"{server.url}/admin/namespaces/{namespace}/moderate/")
    page.check("#action-activate")
    page.fill("#status-reason", "settled")
    page.click("text=Set status")
    expect(page.locator(".now .status")).to_have_text("Active")

    assert agent.put("/k", json={"value": 3}).status_code == 200
    assert faults == []


def test_moderation_works_by_keyboard_alone(server, agent, namespace, signed_in):
    page, faults = signed_in("moderator")
    page.goto(f"{server.url}/admin/namespaces/{namespace}/moderate/")

    def tab_to(identity: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()") == identity:
                return
        raise AssertionError(f"the tab key does not reach {identity}")

    tab_to("action-activate")
    page.keyboard.press("ArrowDown")
    tab_to("status-reason")
    page.keyboard.type("flood")
    tab_to("Set status")
    page.keyboard.press("Enter")

    expect(page.locator(".now .status")).to_have_text("Readonly")
    assert agent.put("/k", json={"value": 2}).json()["reason"] == "flood"
    assert agent.get("/k").status_code == 200
    assert faults == []


def test_it_works_without_scripts(server, agent, namespace, signed_in):
    page, _ = signed_in("moderator", java_script_enabled=False)
    page.goto(f"{server.url}/admin/namespaces/{namespace}/moderate/")

    page.check("#action-read_only")
    page.fill("#status-reason", "flood")
    page.click("text=Preview")
    assert "action=read_only" in page.url
    assert "csrf" not in page.url
    preview = page.text_content("#preview .body")
    page.click("text=Set status")

    assert agent.put("/k", json={"value": 2}).text == preview


def test_a_purge_is_typed_followed_and_done(server, agent, namespace, signed_in):
    for number in range(5):
        agent.put(f"/p:{number}", json={"value": number})
    page, faults = signed_in("administrator")
    page.goto(f"{server.url}/admin/namespaces/{namespace}/purge/?prefix=p:")

    with page.expect_download() as download:
        page.click("text=Export first")
    exported = [json.loads(line)["value"] for line in download.value.path().read_text().splitlines()]
    button = page.locator("button.destructive")
    expect(button).to_be_disabled()
    page.fill("#reason", "illegal")
    page.fill("#confirm", namespace)
    expect(button).to_be_enabled()
    button.click()

    expect(page.locator("#progress-title")).to_have_text("Done", timeout=30_000)
    assert exported == [0, 1, 2, 3, 4]
    assert httpx.get(f"{server.url}/memory/{namespace}").json()["keys"] == ["k"]
    page.go_back()
    assert page.input_value("#prefix") == "p:", "back keeps the range"
    expect(button).to_be_disabled()
    assert faults == []


def test_a_viewer_sees_no_purge(server, agent, namespace, signed_in):
    page, _ = signed_in("viewer")

    page.goto(f"{server.url}/admin/log/")
    expect(page.get_by_role("link", name="Purge", exact=True)).to_have_count(0)
    answer = page.goto(f"{server.url}/admin/namespaces/{namespace}/purge/")

    assert answer.status == 403


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_and_break_no_policy(server, agent, namespace, signed_in, scheme, width):
    page, faults = signed_in("administrator", color_scheme=scheme, viewport={"width": width, "height": 900})

    for path in (f"namespaces/{namespace}/moderate/?action=suspend&reason=x", f"namespaces/{namespace}/purge/", "log/"):
        answer = page.goto(f"{server.url}/admin/{path}", wait_until="networkidle")
        assert answer.status == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    assert faults == []
