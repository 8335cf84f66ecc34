"""The JavaScript module in a real browser: on the server's own pages, under their policy, and on pages of others."""

import http.server
import threading
from collections.abc import Iterator

import pytest

PROGRAM = """
async ({ server, namespace }) => {
  const { Memory, RawJSON, LeaseHeldError } = await import(`${server}/static/botwire/client/index.js`);
  const memory = new Memory(namespace, { baseUrl: server, agent: "a page of é" });
  const { version } = await memory.set("price/€ 1", new RawJSON("1e3"), { ifAbsent: true });
  await memory.set("big", 12345678901234567890n, { ttl: 60 });
  const waiting = memory.wait("status", { equals: "done", timeout: 20 });
  const watch = memory.watch("status", { since: 0, timeout: 20 });
  await memory.append("log", { a: 1 });
  await memory.transaction(async (t) => t.set("status", (await t.get("log")).length === 1 ? "done" : "wrong"));
  const held = await memory.lock("deploy", { ttl: 5 }).run(async (lease) => {
    await memory.set("deployed", 1, { lease });
    return memory.lock("deploy", { timeout: 0 }).acquire().catch((error) => error instanceof LeaseHeldError);
  });
  return {
    version,
    held,
    price: await memory.getText("price/€ 1"),
    big: String(await memory.get("big")),
    awaited: await waiting,
    changed: (await watch.next()).value.key,
    writer: (await memory.getEntry("log")).writer.name,
    missing: await memory.get("missing", { default: "none" }),
    keys: await memory.list(),
    refused: await memory.getEntry("missing").catch((error) => [error.code, error.message.includes("no entry under")]),
    deleted: await memory.delete("big"),
  };
}
"""
RESULT = {
    "version": 1,
    "held": True,
    "price": "1e3",
    "big": "12345678901234567890",
    "awaited": "done",
    "changed": "status",
    "writer": "a page of é",
    "missing": "none",
    "keys": ["big", "deployed", "log", "price/€ 1", "status"],
    "refused": ["key_not_found", True],
    "deleted": True,
}
LOST = """
async ({ server, namespace }) => {
  const { Memory } = await import(`${server}/static/botwire/client/index.js`);
  const memory = new Memory(namespace, { baseUrl: server });
  const facts = ({ name, isOutcomeUnknown }) => ({ name, isOutcomeUnknown });
  return [await memory.set("k", 1).catch(facts), await memory.append("list", 1)];
}
"""


@pytest.fixture
def another_site() -> Iterator[str]:
    """The address of a page that no BotWire server serves."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Another site</title><link rel=icon href=data:,>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}/"
    site.shutdown()
    site.server_close()


def complaints(faults: list[str]) -> list[str]:
    """All but the browser's own line about each answer that is not 2xx: three here are meant."""
    return [fault for fault in faults if "Failed to load resource" not in fault]


def test_it_runs_under_the_server_s_own_policy(server, open_page, namespace):
    page, faults = open_page(server.url)
    page.goto(server.url)

    assert page.evaluate(PROGRAM, {"server": server.url, "namespace": namespace}) == RESULT
    assert complaints(faults) == []


def test_it_runs_on_a_page_of_another_origin(server, open_page, namespace, another_site):
    page, faults = open_page(server.url)
    page.goto(another_site)

    assert page.evaluate(PROGRAM, {"server": server.url, "namespace": namespace}) == RESULT
    assert complaints(faults) == [another_site]


def test_what_a_browser_lost_is_repeated_only_with_its_key(server, open_page, namespace):
    page, _ = open_page(server.url)
    page.goto(server.url)
    asked = []

    def lose(route):
        request = route.request
        asked.append((request.method, request.headers.get("idempotency-key")))
        route.fetch()
        route.abort("connectionreset") if len(asked) < 3 else route.continue_()

    page.route(f"**/memory/{namespace}/*", lose)

    lost, length = page.evaluate(LOST, {"server": server.url, "namespace": namespace})

    assert lost == {"name": "BotWireConnectionError", "isOutcomeUnknown": True}
    assert length == 1
    assert [method for method, _ in asked] == ["PUT", "PATCH", "PATCH"]
    assert asked[0][1] is None
    assert asked[1][1] == asked[2][1]
