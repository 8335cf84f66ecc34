"""Browse, key and live in a real browser, against a real server, under the real Content-Security-Policy."""

import hashlib
from functools import partial
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from tests.conftest import ROOT
from tests.console.memories import HOSTILE_KEYS, HOSTILE_VALUES
from tests.console.memories import page as path_of

EDITOR = ".cm-content"


@pytest.fixture
def sign_in(open_signed_in):
    """`sign_in()`: a page of a browser of its own in which a moderator is signed in, and its faults."""
    return partial(open_signed_in, "moderator")


@pytest.fixture
def put(server, namespace):
    """An agent that writes to the test's namespace."""

    def put(key: str, text: str = "1", agent: str = "agent-7", **fields) -> None:
        rest = "".join(f', "{name}": {value}' for name, value in fields.items())
        answer = httpx.put(
            f"{server.url}/memory/{namespace}/{quote(key, safe='')}",
            content=f'{{"value": {text}{rest}}}'.encode(),
            headers={"Content-Type": "application/json", "X-BotWire-Agent": agent},
        )
        assert answer.is_success, answer.text

    return put


def value_of(server, namespace, key):
    return httpx.get(f"{server.url}/memory/{namespace}/{quote(key, safe='')}").json()["value"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_memory_breaks_no_policy_and_runs_nothing(server, namespace, put, sign_in, scheme, width):
    for number, key in enumerate(HOSTILE_KEYS):
        put(key, HOSTILE_VALUES[number % len(HOSTILE_VALUES)], agent=quote("<i>\u202e", safe=""))
    page, faults = sign_in(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    paths = [path_of(namespace, "browse"), path_of(namespace, "live")]
    paths += [path_of(namespace, "key", key=key, view=view) for key in HOSTILE_KEYS for view in ("tree", "edit")]

    for path in paths:
        answer = page.goto(server.url + path)

        assert answer.status == 200
        assert faults == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_key_can_be_copied_from_the_page(server, namespace, put, sign_in):
    keys = [key for key in HOSTILE_KEYS if "\u202e" not in key and "\ufeff" not in key]
    for key in keys:
        put(key)
    page, _ = sign_in()

    page.goto(server.url + path_of(namespace, "browse"))

    copied = "e => { getSelection().selectAllChildren(e); return getSelection().toString() }"
    shown = [cell.evaluate(copied) for cell in page.locator("tbody a.key").all()]
    assert sorted(shown) == sorted(keys)


def test_back_and_forward_keep_prefix_and_key(server, namespace, put, sign_in):
    for key in ("a/b?c#d%2F", "a/b?e", "a/x"):
        put(key)
    page, _ = sign_in()

    page.goto(server.url + path_of(namespace, "browse"))
    page.click(".folders a")
    page.click("text=a/b?c#d%2F")
    page.go_back()
    expect(page.locator("#prefix")).to_have_value("a/")
    page.go_forward()

    expect(page.locator("h1")).to_have_text("a/b?c#d%2F")


def test_an_entry_is_edited_in_the_editor(server, namespace, put, sign_in):
    put("k", '{"a": 1}')
    page, faults = sign_in()
    page.goto(server.url + path_of(namespace, "key", key="k", view="edit"))

    page.click(EDITOR)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text('{"a": "from the editor"}')
    page.fill("#reason", "it was wrong")
    page.click("text=Save, if still at version 1")

    expect(page.locator(".messagelist")).to_contain_text("Saved as version 2.")
    assert value_of(server, namespace, "k") == {"a": "from the editor"}
    assert faults == []


def test_an_entry_is_edited_without_scripts(server, namespace, put, sign_in):
    put("k", '{"a": 1}')
    page, _ = sign_in(java_script_enabled=False)
    page.goto(server.url + path_of(namespace, "key", key="k", view="edit", indented=1))

    page.fill("#value", '{"a":\n  2}')
    page.fill("#reason", "it was wrong")
    page.click("text=Save, if still at version 1")

    expect(page.locator(".messagelist")).to_contain_text("Saved as version 2.")
    assert value_of(server, namespace, "k") == {"a": 2}


def test_the_slower_of_two_operators_is_told_and_keeps_the_text(server, namespace, put, sign_in):
    put("k", '{"a": 1}')
    (first, _), (second, faults) = sign_in(), sign_in()
    for page, text in ((first, '{"a": 2}'), (second, '{"a": 3}')):
        page.goto(server.url + path_of(namespace, "key", key="k", view="edit"))
        page.click(EDITOR)
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(text)
        page.fill("#reason", "mine")
    first.click("text=Save, if still")
    expect(first.locator(".messagelist")).to_contain_text("Saved")

    second.click("text=Save, if still")

    expect(second.locator("[role=alert]")).to_contain_text("changed by operator since you opened it")
    expect(second.locator(".difference .added").first).to_have_text('+   "a": 2')
    expect(second.locator(EDITOR)).to_have_text('{"a": 3}')
    assert value_of(server, namespace, "k") == {"a": 2}
    second.click("text=Save, if still at version 2")
    expect(second.locator(".messagelist")).to_contain_text("Saved as version 3.")
    assert value_of(server, namespace, "k") == {"a": 3}
    assert [fault for fault in faults if "409" not in fault] == []


def test_the_editor_shows_where_a_text_is_no_json(server, namespace, put, sign_in):
    put("k", '{"a": 1}')
    page, _ = sign_in()
    page.goto(server.url + path_of(namespace, "key", key="k", view="edit"))
    page.click(EDITOR)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text('{"a" 1}')
    page.fill("#reason", "mine")

    page.click("text=Save, if still")

    expect(page.locator("[role=alert]")).to_contain_text("Line 1, column 6")
    expect(page.locator(EDITOR)).to_be_focused()
    expect(page.locator(EDITOR)).to_have_text('{"a" 1}')


def test_an_entry_is_deleted_and_restored_by_keyboard_alone(server, namespace, put, sign_in):
    put("k", '"kept"')
    page, faults = sign_in()
    page.goto(server.url + path_of(namespace, "key", key="k"))

    def tab_to(text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            told = "document.activeElement.ariaLabel || document.activeElement.id || document.activeElement.textContent"
            if page.evaluate(told).strip().startswith(text):
                return
        raise AssertionError(f"the tab key does not reach {text}")

    for act, button in (("Delete", "Delete, if still"), ("Restore version 1", "Restore version 1")):
        tab_to(act)
        page.keyboard.press("Enter")
        page.wait_for_url("**view=*")
        tab_to("reason")
        page.keyboard.type("by mistake")
        tab_to(button)
        page.keyboard.press("Enter")
        expect(page.locator(".messagelist")).to_be_visible()

    assert value_of(server, namespace, "k") == "kept"
    assert faults == []


def test_a_countdown_runs(server, namespace, put, sign_in):
    put("k", ttl=3_600)
    page, _ = sign_in()

    page.goto(server.url + path_of(namespace, "key", key="k"))

    expect(page.locator(".countdown")).to_contain_text("in 59 min")
    before = page.locator(".countdown").text_content()
    expect(page.locator(".countdown")).not_to_have_text(before)


def test_live_shows_what_happens_and_pauses(server, namespace, put, sign_in):
    put("first")
    page, faults = sign_in()
    asked = []
    page.goto(server.url + path_of(namespace, "live"))
    page.on("request", lambda request: asked.append(request.url) if "since=" in request.url else None)

    put("<b>second</b>", '"<script>alert(1)</script>"')
    expect(page.locator("#changes tr").first).to_contain_text("<b>second</b>")
    assert page.locator("#changes tr").count() == 2
    page.click("text=Pause")
    put("third")
    page.wait_for_timeout(3_000)

    expect(page.locator("#changes tr").first).to_contain_text("<b>second</b>")
    assert "until=2" in page.url
    page.click("text=Go on from here")
    expect(page.locator("#changes tr").first).to_contain_text("third")
    assert len(asked) <= 4, "no faster than every two seconds"
    assert faults == []


def test_the_editor_is_the_one_whose_origin_is_told():
    folder = ROOT / "botwire_site" / "static" / "botwire" / "vendor" / "codemirror"

    digest = hashlib.sha256((folder / "codemirror.js").read_bytes()).hexdigest()

    assert digest in (folder / "ORIGIN.md").read_text()
    assert "MIT License" in (folder / "LICENSE").read_text()
