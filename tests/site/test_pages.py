"""The API's documentation and the sign-in in a real browser, under the real Content-Security-Policy."""

import httpx
import pytest

from tests.browser import SCHEMES, WIDTHS, scrolls_sideways

PATHS = ["/api/docs/", "/admin/login/"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_break_no_policy_and_ask_no_other_host(server, open_page, scheme, width):
    for path in PATHS:
        page, faults = open_page(server.url, color_scheme=scheme, viewport={"width": width, "height": 900})

        answer = page.goto(server.url + path, wait_until="networkidle")

        assert answer.status == 200
        assert faults == [], path
        assert not scrolls_sideways(page), path


def test_the_api_can_be_tried_from_its_documentation(server, open_page, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": "seen in the browser"})
    page, faults = open_page(server.url)
    page.goto(f"{server.url}/api/docs/")

    page.click("text=Get an entry")
    page.click("button:has-text('Try it out')")
    page.fill("tr[data-param-name=namespace] input", namespace)
    page.fill("tr[data-param-name=key] input", "k")
    page.click("button:has-text('Execute')")

    page.wait_for_selector("text=seen in the browser")
    assert faults == []


def test_every_error_type_leads_to_its_row(server, open_page):
    problem = httpx.get(f"{server.url}/memory/a/none").json()
    page, _ = open_page(server.url)

    page.goto(server.url + problem["type"])

    assert "key_not_found" in page.inner_text("tr:target")
