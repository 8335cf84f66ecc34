"""Pictures of the main pages for docs/, taken of a real server that was seeded:

    uv run python -m tests.console.pictures [FOLDER]

FOLDER is `docs/pictures` where none is given. `--all` takes every page in light and dark, wide and narrow, to be looked
at; those are not kept in the repository.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM, QUIET, SCHEMES, WIDTHS
from tests.console.sessions import environment_of, session_on
from tests.servers import ROOT, Server

DESK = "trading-desk-00000"
ENTRIES = {
    "signals/2026/tsla": {"action": "buy", "confidence": 0.91, "because": ["momentum", {"window": "5d"}]},
    "signals/2026/nvda": {"action": "hold", "confidence": 0.55},
    "limits/tsla": 250,
    "portfolio": {"cash": 10_000.0, "tsla": 12},
}
MAIN = {
    "overview": "/admin/",
    "namespace": f"/admin/namespaces/{DESK}/",
    "key": "/admin/namespaces/desk/key/?key=signals%2F2026%2Ftsla",
    "purge": "/admin/namespaces/desk/purge/?prefix=signals%2F",
}
# What a token of the namespace shows to whoever has exchanged it.
PRIVATE = {
    "rollback": "/n/research/rollback?writer=bot7&verified=true",
    "tokens": "/n/research/tokens",
    "writers": "/n/research/writers",
    "versions": "/n/research/?key=findings%2F1",
}
OTHERS = {
    "namespaces": "/admin/namespaces/?use=near&order=writes",
    "home": "/",
    "docs": "/docs/http",
    "errors": "/docs/errors",
    "visitor": "/n/desk/?key=portfolio",
    "unknown": "/n/nobody-has-this/",
    "browse": f"/admin/namespaces/{DESK}/browse/",
    "edit": "/admin/namespaces/desk/key/?key=portfolio&view=edit",
    "live": "/admin/namespaces/desk/live/",
    "moderate": "/admin/namespaces/desk/moderate/",
    "log": "/admin/log/",
    "sign-in": "/account/login/",
    "factors": "/account/",
    "accounts": "/admin/auth/user/",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=str(ROOT / "docs" / "pictures"))
    parser.add_argument("--all", action="store_true", dest="is_all")
    given = parser.parse_args()
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data), None, {"BOTWIRE_NEW_NAMESPACES_PER_HOUR": "1000"})
        server.url = server.url.replace("127.0.0.1", "localhost")
        server.start()
        try:
            fill(server)
            take(server, folder, research(server), is_all=given.is_all)
        finally:
            server.stop()


def fill(server: Server) -> None:
    """A seeded database, and a desk whose quant has changed its mind."""
    command = [sys.executable, "manage.py", "seed", "--entries", "20000", "--namespaces", "300"]
    subprocess.run(command, cwd=ROOT, env=environment_of(server), check=True)
    with httpx.Client(base_url=f"{server.url}/memory/desk", headers={"X-BotWire-Agent": "quant-1"}) as agent:
        agent.put("/signals%2F2026%2Ftsla", json={"value": {"action": "hold", "confidence": 0.4}})
        for key, value in ENTRIES.items():
            agent.put(f"/{key.replace('/', '%2F')}", json={"value": value}).raise_for_status()


def research(server: Server) -> str:
    """A private namespace in which bot7 was wrong: its admin token."""
    with httpx.Client(base_url=server.url) as client:

        def posted(path: str, body: dict[str, object], token: str = "") -> str:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = client.post(f"/namespaces/research/{path}", json=body, headers=headers).raise_for_status()
            return str(answer.json()["token"])

        lead = posted("claim", {"name": "lead"})
        bot = posted("tokens", {"name": "bot7", "write": ["findings/"], "ttl": 86_400}, lead)
        for token, keys, value in ((lead, range(1, 4), "measured"), (bot, range(2, 6), "made up")):
            for key in keys:
                path, headers = f"/memory/research/findings%2F{key}", {"Authorization": f"Bearer {token}"}
                client.put(path, json={"value": value}, headers=headers).raise_for_status()
    return lead


def take(server: Server, folder: Path, token: str, *, is_all: bool) -> None:
    """One PNG a page; with `is_all` every page in every scheme and width. `token` is that of `research`."""
    cookie = {"name": "sessionid", "value": session_on(server, "administrator"), "url": server.url}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for scheme in SCHEMES if is_all else SCHEMES[:1]:
            for width in WIDTHS if is_all else WIDTHS[:1]:
                page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
                page.context.add_cookies([cookie])
                page.goto(f"{server.url}/n/research/")
                page.fill("[name=token]", token)
                page.click("text=Show the namespace")
                page.wait_for_url("**/n/research/")
                chosen = MAIN | PRIVATE | OTHERS if is_all else MAIN | dict(list(PRIVATE.items())[:1])
                for name, path in chosen.items():
                    page.goto(server.url + path)
                    suffix = f"-{scheme}-{width}" if is_all else ""
                    page.screenshot(path=folder / f"{name}{suffix}.png", full_page=is_all)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
