"""Moderation in a real browser, against a real server, under the real Content-Security-Policy."""

import json

import httpx
import pytest
from playwright.sync_api import expect


@pytest.fixture
def agent(server, namespace):
    """An agent that has written once."""
    with httpx.Client(base_url=f"{server.url}/memory/{namespace}", timeout=30) as client:
        client.put("/k", json={"value": 1})
        yield client


def test_a_suspension_in_the_browser_reaches_the_agent_and_ends(server, agent, namespace, open_signed_in):
    page, faults = open_signed_in("moderator")
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


def test_moderation_works_by_keyboard_alone(server, agent, namespace, open_signed_in):
    page, faults = open_signed_in("moderator")
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


def test_it_works_without_scripts(server, agent, namespace, open_signed_in):
    page, _ = open_signed_in("moderator", java_script_enabled=False)
    page.goto(f"{server.url}/admin/namespaces/{namespace}/moderate/")

    page.check("#action-read_only")
    page.fill("#status-reason", "flood")
    page.click("text=Preview")
    assert "action=read_only" in page.url
    assert "csrf" not in page.url
    preview = page.text_content("#preview .body")
    page.click("text=Set status")

    assert agent.put("/k", json={"value": 2}).text == preview


def test_a_purge_is_typed_followed_and_done(server, agent, namespace, open_signed_in):
    for number in range(5):
        agent.put(f"/p:{number}", json={"value": number})
    page, faults = open_signed_in("administrator")
    page.goto(f"{server.url}/admin/namespaces/{namespace}/purge/?prefix=p:")

    with page.expect_download() as download:
        page.click("text=Export first")
    _, *entries, _ = download.value.path().read_text().splitlines()  # between header and trailer
    exported = [json.loads(line)["value"] for line in entries]
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


def test_a_viewer_sees_no_purge(server, agent, namespace, open_signed_in):
    page, _ = open_signed_in("viewer")

    page.goto(f"{server.url}/admin/log/")
    expect(page.get_by_role("link", name="Purge", exact=True)).to_have_count(0)
    answer = page.goto(f"{server.url}/admin/namespaces/{namespace}/purge/")

    assert answer.status == 403


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_and_break_no_policy(server, agent, namespace, open_signed_in, scheme, width):
    page, faults = open_signed_in("administrator", color_scheme=scheme, viewport={"width": width, "height": 900})

    for path in (f"namespaces/{namespace}/moderate/?action=suspend&reason=x", f"namespaces/{namespace}/purge/", "log/"):
        answer = page.goto(f"{server.url}/admin/{path}", wait_until="networkidle")
        assert answer.status == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    assert faults == []
