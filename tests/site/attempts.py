"""Wrong passwords given to a real server, all at the same time."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.conftest import Server


def try_at_once(server: Server, number: int) -> list[str]:
    """What each of so many attempts met: `wrong`, `too many`, or the status of an error."""
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda _: _attempt(server), range(number)))


def _attempt(server: Server) -> str:
    with httpx.Client(base_url=server.url, timeout=60) as browser:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/account/login/").text)[1]
        form = {"login": "operator", "password": "wrong", "csrfmiddlewaretoken": token}
        answer = browser.post("/account/login/", data=form)
    if "are not correct" in answer.text:
        return "wrong"
    return "too many" if "Too many failed login attempts" in answer.text else str(answer.status_code)
