"""What the adapters share: the memory that they are given, in both kinds, and the extra that is missing."""

import asyncio

import pytest

from botwire import AsyncMemory, Memory
from botwire._adapters import BothMemories, framework, memory_of
from botwire._models import Writer

OPTIONS = {"base_url": "http://server", "token": "bw-token", "agent": "keeper"}


@pytest.mark.parametrize("kind", [Memory, AsyncMemory])
def test_a_memory_that_is_given_is_used(kind):
    memory = kind("desk", base_url="http://server")

    assert memory_of(kind, memory, None) is memory


@pytest.mark.parametrize("kind", [Memory, AsyncMemory])
def test_a_new_memory_has_the_options(kind):
    memory = memory_of(kind, None, "desk", **OPTIONS)

    assert memory.namespace == "desk"
    assert memory._settings == kind("desk", **OPTIONS)._settings


@pytest.mark.parametrize(
    "given",
    [{}, {"token": "t"}, {"namespace": "desk", "memory": Memory("desk")}, {"memory": Memory("desk"), "agent": "a"}],
)
def test_a_memory_and_options_for_a_new_one_exclude_each_other(given):
    memory, namespace = given.pop("memory", None), given.pop("namespace", None)

    with pytest.raises(TypeError, match="either a namespace"):
        memory_of(Memory, memory, namespace, **given)


@pytest.mark.parametrize("kind", [Memory, AsyncMemory])
def test_the_other_kind_is_made_with_the_same_settings(kind, server, namespace):
    with Memory.create(namespace, name="keeper", base_url=server.url) as lead:
        token = lead.token
    both = BothMemories(kind(namespace, base_url=server.url, token=token, agent="keeper", timeout=7, retries=0), None)

    asyncio.run(both.awaited.set("awaited", 1))
    both.blocking.set("blocking", 2)

    assert both.awaited._settings == both.blocking._settings
    assert both.blocking._settings.headers["Authorization"] == f"Bearer {token}"
    for key in ("awaited", "blocking"):
        assert both.blocking.get_entry(key).writer == Writer("keeper", verified=True)
    assert token not in repr(both)


def test_the_same_steps_run_in_either_kind(server, namespace):
    both = BothMemories(None, namespace, base_url=server.url)

    def steps(calls):
        yield calls.set("k", 1, None, None, False)
        return (yield calls.get_entry("k")).value

    assert both.run(steps) == 1
    assert asyncio.run(both.arun(steps)) == 1


def test_what_is_missing_is_told_with_the_extra_that_installs_it():
    with pytest.raises(ImportError, match=r"No module named 'no_such_framework'") as told, framework("mcp"):
        import no_such_framework  # noqa: F401

    assert 'pip install "botwire[mcp]"' in str(told.value)
    assert told.value.name == "no_such_framework"
