"""The pages of a private namespace in a real browser: from the claim to the token's end, under the real policy."""

import re
from urllib.parse import quote

import httpx
import pytest

from tests.browser import SCHEMES, WIDTHS, axe_violations, scrolls_sideways

HOSTILE_WRITERS = ["<img src=x onerror=alert(1)>", "boss verified", "x" * 128, '"><b>', "שלום"]


def press(page, name: str) -> None:
    """Press a button, and wait for the page that answers it."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def secret_on(page) -> str:
    """The token that a page shows, which is none but the one that made it."""
    return page.locator("code.token").inner_text().strip()


def set_by(server, namespace: str, key: str, value: object, *, token: str = "", agent: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {"X-BotWire-Agent": agent}
    address = f"{server.url}/memory/{namespace}/{quote(key, safe='')}"
    answer = httpx.put(address, json={"value": value}, headers=headers)
    answer.raise_for_status()
    return answer


def test_from_the_claim_to_the_tokens_end(server, open_page, namespace):
    code = set_by(server, namespace, "price", 1, agent="scout").json()["claim_code"]
    page, faults = open_page(server.url, java_script_enabled=False)
    page.goto(f"{server.url}/n/{namespace}/")

    page.click("summary:has-text('Make it private')")
    page.get_by_label("Name of your token").fill("lead")
    page.get_by_label("Claim code").fill(code)
    press(page, "Make it private")
    admin = secret_on(page)
    set_by(server, namespace, "price", 2, token=admin)

    page.click("text=All tokens")
    assert admin not in page.content()
    page.get_by_label("Stands for the writer").fill("bot7")
    page.get_by_label("Keys that begin with, one").fill("price")
    press(page, "Share")
    shared = secret_on(page)
    set_by(server, namespace, "price", 666, token=shared)

    page.goto(f"{server.url}/n/{namespace}/?key=price")
    assert re.search(r"by bot7\s+verified", page.inner_text(".entry dl"))
    assert re.search(r"scout\s+self-declared", page.inner_text("ol.rows"))
    page.click("text=Writers")
    page.locator("li", has_text="bot7").get_by_role("link", name="Preview a rollback").click()
    assert "1 back to an older version" in " ".join(page.inner_text("[aria-labelledby=report]").split())
    press(page, "Roll back 1 key")
    page.wait_for_selector("h2:has-text('Rolled back')")
    told = httpx.get(f"{server.url}/memory/{namespace}/price", headers={"Authorization": f"Bearer {admin}"}).json()
    assert (told["value"], told["writer"]) == (2, {"name": "lead", "verified": True})

    other, _ = open_page(server.url)
    other.goto(f"{server.url}/n/{namespace}/")
    other.get_by_label("Token", exact=True).fill(shared)
    press(other, "Show the namespace")
    assert other.url == f"{server.url}/n/{namespace}/"
    page.click("text=Tokens")
    worker = page.locator("ul.rows > li", has_text="bot7")
    worker.locator("summary").click()
    with page.expect_navigation():
        worker.get_by_role("button", name="Revoke").click()
    other.reload()

    assert "You are signed out" in other.inner_text("main")
    assert other.context.cookies(f"{server.url}/n/{namespace}/") == [
        cookie for cookie in other.context.cookies() if cookie["name"] == "csrftoken"
    ]
    assert httpx.get(f"{server.url}/memory/{namespace}/price", headers={"Authorization": f"Bearer {shared}"}).is_error
    assert [fault for fault in faults if "404" not in fault] == []


@pytest.fixture
def team(server, namespace) -> str:
    """The admin token of a namespace in which strangers with all kinds of names wrote."""
    answers = [
        httpx.put(
            f"{server.url}/memory/{namespace}/k{number}",
            json={"value": {"by": name}},
            headers={"X-BotWire-Agent": quote(name)},
        ).raise_for_status()
        for number, name in enumerate(HOSTILE_WRITERS)
    ]
    httpx.post(
        f"{server.url}/namespaces/{namespace}/quarantine",
        json={"writer": HOSTILE_WRITERS[0], "verified": False, "reason": HOSTILE_WRITERS[0]},
    ).raise_for_status()
    code = answers[0].json()["claim_code"]
    claimed = httpx.post(f"{server.url}/namespaces/{namespace}/claim", json={"claim_code": code, "name": "boss"})
    claimed.raise_for_status()
    token = claimed.json()["token"]
    httpx.post(
        f"{server.url}/namespaces/{namespace}/tokens",
        json={"write": ["<b>/", "k"], "name": HOSTILE_WRITERS[0], "ttl": 3_600},
        headers={"Authorization": f"Bearer {token}"},
    ).raise_for_status()
    return token


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_break_no_policy_ask_no_other_host_and_shut_nobody_out(server, open_page, team, namespace, scheme, width):
    page, faults = open_page(server.url, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.on("dialog", lambda dialog: faults.append(f"it ran: {dialog.message}") or dialog.dismiss())
    home = f"{server.url}/n/{namespace}/"
    page.goto(home)
    looked_at(page, [fault for fault in faults if "404" not in fault])
    faults.clear()
    page.get_by_label("Token", exact=True).fill(team)
    press(page, "Show the namespace")

    hidden = quote(HOSTILE_WRITERS[0])
    for path in (
        "",
        "?key=k1",
        "?key=k1&version=2",
        "tokens",
        "writers",
        "rollback",
        "rollback?writer=boss%20verified&verified=false",
        f"rollback?writer={hidden}&verified=false",
    ):
        answer = page.goto(home + path, wait_until="networkidle")
        assert answer.status == 200, path
        looked_at(page, faults)
    page.goto(home + "tokens")
    for summary in page.locator("summary").all():
        summary.click()
    press(page, "Share")
    assert secret_on(page).startswith("bw_")
    looked_at(page, faults)


def looked_at(page, faults: list[str]) -> None:
    assert faults == [], page.url
    assert not scrolls_sideways(page), page.url
    assert axe_violations(page) == [], page.url
