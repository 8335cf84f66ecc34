"""Every operators' page in a real browser: no policy is broken, nobody else is asked, nobody is shut out."""

from urllib.parse import quote

import httpx
import pytest

from tests.browser import SCHEMES, WIDTHS, axe_violations, scrolls_sideways
from tests.console.memories import HOSTILE_KEYS

PAGES = [
    "/admin/",
    "/admin/namespaces/",
    "/admin/namespaces/?prefix=nobody-has-this",
    "/admin/namespaces/{namespace}/",
    "/admin/namespaces/{namespace}/browse/",
    "/admin/namespaces/{namespace}/key/?key={key}",
    "/admin/namespaces/{namespace}/key/?key={key}&view=raw",
    "/admin/namespaces/{namespace}/key/?key={key}&view=diff",
    "/admin/namespaces/{namespace}/key/?key={key}&view=edit",
    "/admin/namespaces/{namespace}/key/?key={key}&view=delete",
    "/admin/namespaces/{namespace}/live/",
    "/admin/namespaces/{namespace}/access/",
    "/admin/namespaces/{namespace}/moderate/",
    "/admin/namespaces/{namespace}/purge/",
    "/admin/log/",
    "/admin/auth/user/",
    "/account/",
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_suits_every_eye_and_screen(server, namespace, open_signed_in, scheme, width):
    with httpx.Client(base_url=f"{server.url}/memory/{namespace}", timeout=60) as agent:
        for key in HOSTILE_KEYS:
            for value in ({"markup": "</script><b>", "n": 1}, ["\u202e", 10**300]):
                agent.put(f"/{quote(key, safe='')}", json={"value": value}).raise_for_status()
    page, faults = open_signed_in("administrator", color_scheme=scheme, viewport={"width": width, "height": 900})

    found = {}
    for path in PAGES:
        address = path.format(namespace=namespace, key=quote(HOSTILE_KEYS[0], safe=""))
        answer = page.goto(server.url + address, wait_until="networkidle")
        sideways = ["it scrolls sideways"] if scrolls_sideways(page) else []
        complaints = [*faults, *sideways]
        found[path] = (answer.status, [*complaints, *axe_violations(page)])
        faults.clear()  # axe itself breaks the policy where it reads a style sheet again

    assert found == dict.fromkeys(PAGES, (200, []))
