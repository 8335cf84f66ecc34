"""The pages in a real browser, under the real Content-Security-Policy."""

import os
import shutil

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATHS = ["/", "/docs/errors", "/api/docs/", "/admin/login/"]


@pytest.fixture(scope="module")
def browser() -> Browser:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, **options) -> tuple[Page, list[str]]:
    """A page on which every complaint and every request to another host is written down."""
    page = browser.new_page(**options)
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else faults.append(asked.url))
    return page, faults


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_break_no_policy_and_ask_no_other_host(server, browser, scheme, width):
    for path in PATHS:
        page, faults = open_page(browser, server.url, color_scheme=scheme, viewport={"width": width, "height": 900})

        answer = page.goto(server.url + path, wait_until="networkidle")

        assert answer.status == 200
        assert faults == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.close()


def test_the_api_can_be_tried_from_its_documentation(server, browser, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": "seen in the browser"})
    page, faults = open_page(browser, server.url)
    page.goto(f"{server.url}/api/docs/")

    page.click("text=Get an entry")
    page.click("button:has-text('Try it out')")
    page.fill("tr[data-param-name=namespace] input", namespace)
    page.fill("tr[data-param-name=key] input", "k")
    page.click("button:has-text('Execute')")

    page.wait_for_selector("text=seen in the browser")
    assert faults == []
    page.close()


def test_every_error_type_leads_to_its_row(server, browser):
    problem = httpx.get(f"{server.url}/memory/a/none").json()
    page, _ = open_page(browser, server.url)

    page.goto(server.url + problem["type"])

    assert "key_not_found" in page.inner_text("tr:target")
    page.close()
