"""The entries as resources, which a host shows to people and puts into a conversation."""

import json

import pytest
from mcp import Client, MCPError
from mcp_types import ResourceTemplateReference

from botwire.mcp import memory_server
from tests.frameworks.mcp.hosts import PROTOCOLS, call


@pytest.fixture(params=PROTOCOLS)
def host(request, server, namespace):
    return Client(memory_server(namespace, base_url=server.url), mode=request.param)


async def test_every_entry_is_a_resource_with_its_value_as_json(host, memory, namespace):
    memory.set("findings/é 1", {"b": [1, "x"], "a": 10**30})

    async with host as client:
        (resource,) = (await client.list_resources()).resources
        (template,) = (await client.list_resource_templates()).resource_templates
        (content,) = (await client.read_resource(resource.uri)).contents

    assert (resource.name, resource.mime_type) == ("findings/é 1", "application/json")
    assert resource.uri == f"botwire://memory/{namespace}/findings%2F%C3%A9%201"
    assert template.uri_template == f"botwire://memory/{namespace}/{{key}}"
    assert (content.mime_type, content.text) == (
        "application/json", '{"b": [1, "x"], "a": 1000000000000000000000000000000}',
    )  # fmt: skip


async def test_a_resource_is_as_it_is_now(host, memory):
    memory.set("k", 1)
    async with host as client:
        (resource,) = (await client.list_resources()).resources
        memory.set("k", 2)
        assert (await client.read_resource(resource.uri)).contents[0].text == "2"
        memory.delete("k")

        with pytest.raises(MCPError, match="no entry under the key 'k'") as caught:
            await client.read_resource(resource.uri)

        assert caught.value.error.code == -32602
        assert (await client.list_resources()).resources == []


async def test_many_entries_are_listed_up_to_a_bound_and_all_can_be_read(host, memory, namespace):
    memory.set_many({f"k{number:04}": number for number in range(510)})

    async with host as client:
        listed = (await client.list_resources()).resources
        beyond = await client.read_resource(f"botwire://memory/{namespace}/k0509")

    assert [resource.name for resource in listed] == [f"k{number:04}" for number in range(500)]
    assert beyond.contents[0].text == "509"


async def test_another_memory_is_no_resource(host, memory):
    async with host as client:
        for uri in ("botwire://memory/other/k", "botwire://memory/k", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource(uri)


async def test_keys_are_completed(host, memory):
    memory.set_many({"findings/a": 1, "findings/b": 2, "other": 3})

    async with host as client:
        template = (await client.list_resource_templates()).resource_templates[0].uri_template
        reference = ResourceTemplateReference(type="ref/resource", uri=template)
        completed = await client.complete(reference, {"name": "key", "value": "findings/"})

    assert completed.completion.values == ["findings/a", "findings/b"]
    assert completed.completion.has_more is False


async def test_an_outage_is_told_and_not_shown_as_an_empty_memory(namespace):
    async with Client(memory_server(namespace, base_url="http://127.0.0.1:1")) as client:
        with pytest.raises(MCPError, match="No answer from"):
            await client.list_resources()
        with pytest.raises(MCPError, match="No answer from"):
            await client.read_resource(f"botwire://memory/{namespace}/k")
        template = (await client.list_resource_templates()).resource_templates[0].uri_template
        reference = ResourceTemplateReference(type="ref/resource", uri=template)
        with pytest.raises(MCPError, match="No answer from"):
            await client.complete(reference, {"name": "key", "value": "k"})


async def test_the_host_is_told_how_to_use_it(server, namespace):
    async with Client(memory_server(namespace, base_url=server.url)) as client:
        assert (client.server_info.name, client.server_info.title) == ("botwire", f"BotWire: {namespace}")
        assert "`append`" in client.instructions
        assert json.loads(json.dumps(await call(client, "list"))) == {"keys": [], "more": False}
