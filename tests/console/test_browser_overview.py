"""Overview, list and page of a namespace in a real browser, under the policy that the server sends with them.

The pages come from this process, so that they are those of either database and of whatever signing in asks for; what
the browser asks for beyond them is refused.
"""

import os
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from namespaces import clock, moderation
from tests.browser import CHROMIUM, QUIET
from tests.console.test_overview import make
from tests.factories import DailyUsageFactory

HOST = "http://localhost"
PATHS = [
    "/admin/",
    "/admin/namespaces/",
    "/admin/namespaces/?prefix=none",
    "/admin/namespaces/desk/",
    "/admin/namespaces/none/",
]
ASSETS = [
    *(f"/static/admin/{name}" for name in ("css/base.css", "css/dark_mode.css", "css/responsive.css", "js/theme.js")),
    *(f"/static/botwire/{name}" for name in ("console.css", "overview.css", "icon.svg", "select_all.js")),
]


@pytest.fixture
def served(moderator):
    """The answers of the pages and of what they are made of, by path; made before there is a browser."""
    used = make("desk", writes=1_000, refusals={"daily_write_limit": 9}, status="read_only", status_reason="x" * 300)
    for ago in range(1, 30):
        DailyUsageFactory(namespace=used, day=clock.day_of(clock.now()) - timedelta(days=ago), writes=ago * 30)
    for number in range(60):
        make("n" * 60 + str(number), bytes=40_000_000, created_from="2001:db8:1111:2222:3333:4444:5555:6666")
    moderation.record(moderation.Action.SUSPEND, operator="o" * 150, reason="y" * 400, namespace="desk")
    answers = {path: moderator.get(path) for path in [*PATHS, *ASSETS]}
    return {path: (got.status_code, dict(got.items()), got.getvalue()) for path, got in answers.items()}


@pytest.fixture
def open_page(served):
    """Opens a path at a width and in a scheme; gives the page and what the browser complains of."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)

        def answer(route):
            target = urlsplit(route.request.url)
            path = f"{target.path}?{target.query}" if target.query else target.path
            status, headers, body = served[path]
            route.fulfill(status=status, headers=headers, body=body)

        def open_(path, **options):
            page, faults = browser.new_page(**options), []
            page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.route("**/*", answer)
            page.goto(HOST + path, wait_until="networkidle")
            return page, faults

        yield open_
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_break_no_policy_and_are_no_wider_than_the_screen(open_page, width, scheme):
    for path in PATHS:
        page, faults = open_page(path, color_scheme=scheme, viewport={"width": width, "height": 900})

        assert [fault for fault in faults if "404" not in fault] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.close()


def test_all_rows_are_selected_by_keyboard(open_page):
    page, _ = open_page("/admin/namespaces/")

    page.get_by_label("Select all on this page").focus()
    page.keyboard.press("Space")
    assert page.locator("input[name=namespace]:checked").count() == 50

    page.get_by_label("Select desk").focus()
    page.keyboard.press("Space")
    assert page.locator("input[name=namespace]:checked").count() == 49
    assert page.get_by_label("Select all on this page").evaluate("box => box.indeterminate")


def test_without_script_rows_are_selected_one_by_one(open_page):
    page, _ = open_page("/admin/namespaces/", java_script_enabled=False)

    page.get_by_label("Select desk").check()

    assert page.locator("th.pick").inner_text().lower() == "select"
    assert page.locator("input[name=namespace]:checked").count() == 1


def test_a_bar_of_the_chart_stands_as_high_as_its_day(open_page):
    page, _ = open_page("/admin/namespaces/desk/", viewport={"width": 1280, "height": 900})

    boxes = [bar.bounding_box() for bar in page.locator("rect.writes").all()]

    assert len(boxes) == 30
    assert boxes[-1]["height"] == pytest.approx(boxes[0]["height"] * 1_000 / 870, rel=0.02)
    assert page.locator("line.limit").bounding_box()["y"] == pytest.approx(boxes[-1]["y"], abs=2)
