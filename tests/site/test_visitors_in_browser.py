"""The visitors' pages in a real browser, under the real Content-Security-Policy."""

import json
import re
import subprocess
from urllib.parse import quote

import httpx
import pytest

from tests.browser import SCHEMES, WIDTHS, axe_violations, scrolls_sideways
from tests.namespaces.corpus import KEYS, VALUES

HOSTILE = {
    "<script>alert(1)</script>": '{"</script><img src=x onerror=alert(1)>": "<svg onload=alert(1)>"}',
    "evil\u202egnp.exe": '"a\\nb \u202e c"',
    "a/b?c#d%2F": "[" * 64 + "]" * 64,
    "😀": "9" * 300,
    "javascript:alert(1)": '{"wide": "' + "x" * 5_000 + '"}',
    "x" * 512: "null",
}
PATHS = ["/", "/docs/", "/docs/http", "/docs/client", "/docs/errors", "/docs/self-hosting", "/docs/examples", "/n/"]


@pytest.fixture
def hostile(server, namespace) -> str:
    """The page of a namespace full of what strangers may write."""
    entries = {**dict(zip((key for _, key in KEYS), VALUES, strict=False)), **HOSTILE}
    with httpx.Client(base_url=server.url) as client:
        for key, value in entries.items():
            body = f'{{"value": {value}}}'
            answer = client.put(
                f"/memory/{namespace}/{quote(key, safe='')}", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in (200, 201), (key, answer.text)
    return f"/n/{namespace}/"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_break_no_policy_ask_no_other_host_and_shut_nobody_out(server, open_page, hostile, scheme, width):
    places = [f"{hostile}?{key_of(key)}" for key in HOSTILE]

    page, faults = open_page(server.url, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.on("dialog", lambda dialog: faults.append(f"it ran: {dialog.message}") or dialog.dismiss())
    for path in [*PATHS, "/docs/examples/trading_desk/quant.py", hostile, *places]:
        answer = page.goto(server.url + path, wait_until="networkidle")

        assert answer.status == 200, path
        assert faults == [], path
        assert not scrolls_sideways(page), path
        assert axe_violations(page) == [], path


def key_of(key: str) -> str:
    return f"key={quote(key, safe='')}"


@pytest.mark.parametrize("path", ["/n/never-written/", "/nope", "/n/-x/"])
def test_what_is_refused_is_as_well_made(server, open_page, path):
    for scheme in SCHEMES:
        page, faults = open_page(server.url, color_scheme=scheme, viewport={"width": 390, "height": 800})

        page.goto(server.url + path, wait_until="networkidle")

        assert [fault for fault in faults if "Failed to load resource" not in fault] == []
        assert not scrolls_sideways(page)
        assert axe_violations(page) == []


def test_axe_finds_what_is_wrong(server, open_page):
    page, _ = open_page(server.url)
    page.goto(server.url)

    page.evaluate("document.querySelector('textarea').closest('label').replaceWith(document.querySelector('textarea'))")

    assert any(found.startswith("label: ") for found in axe_violations(page))


class Playground:
    """The playground of a page, as somebody uses it."""

    def __init__(self, page) -> None:
        self.page = page

    def press(self, action: str, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"#playground [name={name}]", value)
        self.page.click(f"#playground button[value={action}]")

    def said(self, words: str) -> None:
        self.page.locator("[data-said]", has_text=words).wait_for(timeout=10_000)

    def text(self, part: str) -> str:
        return self.page.locator(f"[data-{part}]").inner_text()


@pytest.fixture
def playground(server, open_page):
    page, faults = open_page(server.url)
    page.goto(server.url)
    playground = Playground(page)
    playground.faults = faults
    return playground


def test_the_playground_sets_gets_lists_and_deletes(server, playground):
    namespace = playground.page.input_value("[name=namespace]")

    playground.press("set", key="price/€ 1", value='{"a": 1e3}')
    playground.said("Stored as version 1. 999 writes left today.")
    assert playground.text("status") == "201 Created"
    assert "RateLimit-Remaining\n999" in playground.text("headers")
    stored = httpx.get(f"{server.url}/memory/{namespace}/{quote('price/€ 1')}")
    assert '"value": {"a": 1e3}' in stored.text

    playground.press("get")
    playground.said("The entry is at version 1.")
    assert playground.text("body") == stored.text
    assert 'ETag\n"1"' in playground.text("headers")

    playground.press("list")
    playground.said("1 key.")
    playground.press("delete")
    playground.said("Deleted. 998 writes left today.")
    assert playground.faults == []


def test_what_the_playground_shows_as_curl_does_the_same(server, playground):
    value = '{"it\'s": "\\\\ $HOME `x`",\n "b": [1]}'
    playground.press("set", key="it's [a] {b}", value=value)
    playground.said("Stored as version 1")

    printed = subprocess.run(["bash", "-ec", playground.text("curl")], check=True, capture_output=True, text=True)

    assert json.loads(printed.stdout)["version"] == 2
    playground.press("get")
    playground.said("The entry is at version 2.")
    assert f'"value": {value}, ' in playground.page.locator("[data-body]").text_content()


def test_the_playground_tells_refusals_in_plain_words(playground):
    playground.press("get", key="missing")
    playground.said("Key not found. The namespace")
    assert playground.text("status") == "404 Not Found"
    playground.press("set", key="k", value="hello")
    playground.said("The value is not JSON. Text stands in double quotes")
    playground.press("delete", key="..")
    playground.said("'.' and '..' can not be whole path segments")
    playground.press("get", key="")
    playground.said("Give a key")
    playground.press("set", key="k", namespace="a b", value="1")
    playground.said('"a b" is not a namespace\'s name')
    assert [fault for fault in playground.faults if "Failed to load resource" not in fault] == []


def test_the_playground_says_when_nobody_answers(playground):
    playground.page.route("**/memory/**", lambda route: route.abort())

    playground.press("get", key="k")

    playground.said("The server did not answer.")


def test_without_script_the_first_page_still_shows_how(server, open_page):
    page, faults = open_page(server.url, java_script_enabled=False)
    page.goto(server.url)

    assert not page.is_visible("#playground")
    assert page.is_visible("text=curl -X PUT")
    assert faults == []


def test_code_is_copied_by_a_button(server, browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{server.url}/docs/client", wait_until="networkidle")

    page.locator(".copied-from", has_text="pip install botwire").locator("button").click()

    page.wait_for_selector("button.copy:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == "pip install botwire"
    context.close()


def test_back_and_forward_keep_prefix_and_key(server, open_page, namespace):
    for key in ("a/1", "a/2", "b"):
        httpx.put(f"{server.url}/memory/{namespace}/{quote(key, safe='')}", json={"value": key})
    page, faults = open_page(server.url)
    page.goto(f"{server.url}/n/{namespace}/")

    page.fill("[name=prefix]", "a/")
    page.press("[name=prefix]", "Enter")
    page.click(".key-list >> text=a/2")
    page.wait_for_selector("h2:has-text('a/2')")
    page.go_back()

    assert page.input_value("[name=prefix]") == "a/"
    assert page.locator(".key-list li").all_inner_texts() == ["a/1", "a/2"]
    assert page.locator("#entry").count() == 0
    page.go_forward()
    assert page.inner_text("#entry") == "a/2"
    assert page.input_value("[name=prefix]") == "a/"
    page.go_back()
    page.go_back()
    assert page.input_value("[name=prefix]") == ""
    assert page.locator(".key-list li").count() == 3
    assert faults == []


def test_a_key_is_copied_as_it_is_stored(server, open_page, namespace):
    key = 'a  b/<i>"%2F😀'
    httpx.put(f"{server.url}/memory/{namespace}/{quote(key, safe='')}", json={"value": 1})
    page, _ = open_page(server.url)

    page.goto(f"{server.url}/n/{namespace}/")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.key-list a'))")
    copied = page.evaluate("getSelection().toString()")

    assert copied == key


def test_the_export_is_a_file(server, open_page, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": {"a": 1}})
    page, faults = open_page(server.url)
    page.goto(f"{server.url}/n/{namespace}/")

    with page.expect_download() as download:
        page.click("text=Export everything")

    assert download.value.suggested_filename == f"{namespace}.ndjson"
    assert json.loads(download.value.path().read_text().splitlines()[1])["value"] == {"a": 1}
    assert faults == []


def test_the_first_page_can_be_used_by_keyboard_alone(server, open_page):
    page, _ = open_page(server.url)
    page.goto(server.url)

    page.keyboard.press("Tab")
    assert re.search("To the content", page.evaluate("document.activeElement.textContent"))
    page.focus("[name=key]")
    page.keyboard.press("Enter")

    page.wait_for_selector("text=Stored as version 1")
