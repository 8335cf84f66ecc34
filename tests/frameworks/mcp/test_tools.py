"""The tools on a real server, called as a host calls them."""

import asyncio
import json

import pytest
from mcp import Client

from botwire import AsyncMemory, Memory
from botwire.mcp import memory_server
from tests.frameworks.mcp.hosts import PROTOCOLS, call, refusal

JSON_VALUES = [
    None, True, False, 0, 1, -7, 10**30, 1.5, 1.0, -0.0, 1e300, "", "1", "true", "null", "[1]", '{"a": 1}', '"x"',
    "ünï©ode 🐝", "line\nbreak", [], [1, [2, [3]]], {}, {"b": 1, "a": {"c": [None, "x", 2.5]}},
]  # fmt: skip
TOOLS = ["remember", "recall", "forget", "list", "append", "increment", "wait", "changes"]


@pytest.fixture(params=PROTOCOLS)
def host(request, server, namespace):
    """A host beside the server, on each protocol."""
    return Client(memory_server(namespace, base_url=server.url, agent="claude"), mode=request.param)


@pytest.fixture
def modern(server, namespace):
    return Client(memory_server(namespace, base_url=server.url))


async def test_the_tools_are_these_and_say_what_they_do(host):
    async with host as client:
        tools = (await client.list_tools()).tools

    assert [tool.name for tool in tools] == TOOLS
    assert all(tool.description and tool.title and tool.output_schema for tool in tools)
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
        )
        for tool in tools
    }
    assert hints == {
        "remember": (False, True, True),
        "recall": (True, False, True),
        "forget": (False, True, True),
        "list": (True, False, True),
        "append": (False, False, False),
        "increment": (False, False, False),
        "wait": (True, False, True),
        "changes": (True, False, True),
    }
    assert not any(tool.annotations.open_world_hint for tool in tools)


async def test_every_parameter_has_a_type_and_a_description(modern):
    async with modern as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    value = schemas["remember"]["properties"]["value"]
    assert [row["type"] for row in value["anyOf"]] == [
        "boolean", "integer", "number", "string", "array", "object", "null",
    ]  # fmt: skip
    assert schemas["remember"]["required"] == ["key", "value"]
    for schema in schemas.values():
        for parameter in schema["properties"].values():
            assert parameter["description"]
            assert "type" in parameter or "anyOf" in parameter


async def test_who_only_reads_has_only_the_tools_for_that(server, namespace):
    async with Client(memory_server(namespace, base_url=server.url, read_only=True)) as client:
        tools = (await client.list_tools()).tools

        assert [tool.name for tool in tools] == ["recall", "list", "wait", "changes"]
        assert "Unknown tool" in await refusal(client, "remember", key="k", value=1)


async def test_a_value_is_recalled_as_it_was_remembered(host, memory):
    async with host as client:
        for value in JSON_VALUES:
            await call(client, "remember", key="k", value=value)

            answer = await client.call_tool("recall", {"key": "k"})

            stored = memory.get("k")
            for found in (answer.structured_content["value"], json.loads(answer.content[0].text)["value"], stored):
                assert (type(found), found) == (type(value), value)


async def test_what_is_recalled_says_which_version_and_whose(host, namespace):
    async with host as client:
        first = await call(client, "remember", key="k", value=1)
        second = await call(client, "remember", key="k", value=2, ttl_seconds=60)
        recalled = await call(client, "recall", key="k")

    assert first == {"key": "k", "version": 1, "created": True, "expires_at": None}
    assert second["expires_at"] is not None
    updated_at = recalled.pop("updated_at")
    assert recalled == {"key": "k", "found": True, "value": 2, "version": 2, "writer": "claude"}
    assert updated_at < second["expires_at"]


async def test_what_is_not_there_is_no_error(host):
    async with host as client:
        assert (await call(client, "recall", key="k"))["found"] is False
        assert await call(client, "forget", key="k") == {"key": "k", "forgotten": False}
        assert await call(client, "list") == {"keys": [], "more": False}


async def test_a_version_lets_nobody_write_over_another(modern, memory):
    async with modern as client:
        stored = await call(client, "remember", key="k", value="mine", if_version=0)
        assert "at version 1" in await refusal(client, "remember", key="k", value="late", if_version=0)
        memory.set("k", "theirs")

        told = await refusal(client, "remember", key="k", value="late", if_version=stored["version"])

    assert "at version 2" in told
    assert "retry with its version" in told
    assert memory.get("k") == "theirs"


@pytest.mark.parametrize("key", ["a/b", "/etc", "a..b", "100%", "what?", "#", " ", "🐝", "user:42", "a\\b", "x" * 512])
async def test_any_key_will_do(modern, key):
    async with modern as client:
        await call(client, "remember", key=key, value=[key])

        assert (await call(client, "recall", key=key))["value"] == [key]
        assert await call(client, "list") == {"keys": [key], "more": False}
        (resource,) = (await client.list_resources()).resources
        assert json.loads((await client.read_resource(resource.uri)).contents[0].text) == [key]
        assert await call(client, "forget", key=key) == {"key": key, "forgotten": True}


@pytest.mark.parametrize("key", ["", "..", "a/../b", "a\x00b", "x" * 513])
async def test_what_can_not_be_a_key_is_told(modern, memory, key):
    async with modern as client:
        assert "can not be a key" in await refusal(client, "remember", key=key, value=1)

    assert memory.list_keys() == []


async def test_what_the_schema_does_not_allow_is_told_and_not_done(modern, memory):
    async with modern as client:
        assert "key" in await refusal(client, "remember", value=1)
        assert "less than or equal to 300" in await refusal(client, "wait", key="k", seconds=301)
        assert "exclude each other" in await refusal(client, "wait", key="k", equals=1, after_version=1)
        assert "ttl" in await refusal(client, "remember", key="k", value=1, ttl_seconds=-1)

    assert memory.list_keys() == []


async def test_a_list_is_told_up_to_its_limit(modern, memory):
    memory.set_many({f"k/{number:04}": number for number in range(120)} | {"other": 1})

    async with modern as client:
        few = await call(client, "list", prefix="k/", limit=2)
        many = await call(client, "list", prefix="k/")
        rest = await call(client, "list", prefix="k/011")

    assert few == {"keys": ["k/0000", "k/0001"], "more": True}
    assert (len(many["keys"]), many["more"]) == (100, True)
    assert rest == {"keys": [f"k/{number:04}" for number in range(110, 120)], "more": False}


async def test_two_writers_at_once_lose_nothing(server, namespace, memory):
    async def write(writer: int) -> None:
        async with Client(memory_server(namespace, base_url=server.url)) as client:
            for number in range(25):
                await call(client, "append", key="log", value=[writer, number])
                await call(client, "increment", key="count")

    await asyncio.gather(write(0), write(1))

    log = memory.get("log")
    assert [[number for writer, number in log if writer == one] for one in range(2)] == [[*range(25)], [*range(25)]]
    assert memory.get("count") == 50


async def test_numbers_stay_exact_and_lists_keep_the_newest(modern):
    async with modern as client:
        assert await call(client, "increment", key="n", by=10**30) == {"key": "n", "value": 10**30}
        assert await call(client, "increment", key="n", by=-(10**30) + 1) == {"key": "n", "value": 1}
        assert await call(client, "increment", key="n", by=0.5) == {"key": "n", "value": 1.5}
        for number in range(3):
            length = await call(client, "append", key="l", value=number, max_length=2)

        assert length == {"key": "l", "length": 2}
        assert (await call(client, "recall", key="l"))["value"] == [1, 2]
        assert "list" in await refusal(client, "append", key="n", value=1)


async def test_waiting_gives_what_another_writes(host, memory):
    async with host as client:
        waiting = asyncio.create_task(call(client, "wait", key="status", equals="done", seconds=30))
        await asyncio.sleep(0.2)
        memory.set("status", "running")
        memory.set("status", "done")

        assert await waiting == {"key": "status", "came": True, "value": "done"}
        assert (await call(client, "wait", key="status"))["value"] == "done"
        later = await call(client, "wait", key="status", after_version=2, seconds=0.2)
        assert later == {"key": "status", "came": False, "value": None}


async def test_a_wait_that_the_host_gives_up_ends(modern):
    async with modern as client:
        waiting = asyncio.create_task(client.call_tool("wait", {"key": "never", "seconds": 300}))
        await asyncio.sleep(0.2)

        waiting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await call(client, "list") == {"keys": [], "more": False}


async def test_changes_tell_what_happened_meanwhile(modern, namespace, server):
    with Memory(namespace, base_url=server.url, agent="quant") as quant:
        quant.set("a", {"x": [1]})
        quant.delete("a")
        quant.set("b", 1)

    async with modern as client:
        page = await call(client, "changes", limit=2)
        rest = await call(client, "changes", since=page["next"])
        of_a = await call(client, "changes", prefix="a")
        told = await refusal(client, "changes", since=99)

    assert [(row["revision"], row["kind"], row["key"], row["value"], row["writer"]) for row in page["changes"]] == [
        (1, "set", "a", {"x": [1]}, "quant"), (2, "delete", "a", None, "quant"),
    ]  # fmt: skip
    assert (page["next"], page["revision"]) == (2, 3)
    assert [row["key"] for row in rest["changes"]] == ["b"]
    assert [row["kind"] for row in of_a["changes"]] == ["set", "delete"]
    assert "revision" in told


async def test_a_restart_in_the_middle_loses_nothing(server, modern):
    async with modern as client:
        await call(client, "remember", key="k", value="before")
        server.kill()

        told = await refusal(client, "remember", key="k", value="meanwhile")
        server.start()

        assert "No answer from" in told
        assert (await call(client, "recall", key="k"))["value"] == "before"
        assert (await call(client, "remember", key="k", value="after"))["created"] is False


async def test_the_limits_are_told_with_what_to_do_next(cramped, namespace):
    async with Client(memory_server(namespace, base_url=cramped.url)) as client:
        large = await refusal(client, "remember", key="k", value="x" * 200)
        for number in range(3):
            await call(client, "remember", key=f"k{number}", value=number)
        told = await refusal(client, "increment", key="k0")

        assert "200" in large
        assert "3" in told
        assert "tomorrow" in told.lower() or "UTC" in told
        assert (await call(client, "recall", key="k0"))["value"] == 0


async def test_a_memory_that_is_there_already_is_used(server, namespace):
    async with AsyncMemory(namespace, base_url=server.url, agent="mine") as memory:
        async with Client(memory_server(memory=memory)) as client:
            await call(client, "remember", key="k", value=1)

        assert (await memory.get_entry("k")).writer.name == "mine"
    with pytest.raises(TypeError, match="either a namespace"):
        memory_server()


async def test_the_token_is_told_to_no_host(namespace):
    server = memory_server(namespace, base_url="http://127.0.0.1:1", token="bw-secret-token")
    async with Client(server) as client:
        told = [
            await client.list_tools(), await client.list_resource_templates(), client.instructions,
            await client.call_tool("recall", {"key": "k"}),
        ]  # fmt: skip

    assert "No answer from" in str(told)
    assert "bw-secret-token" not in str(told)
