"""LangGraph's own suite for checkpointers, whole: what every one must do, and the rest that ours does."""

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate

from botwire.langgraph import BotWireSaver

CAPABILITIES = [
    "put", "put_writes", "get_tuple", "list", "delete_thread", "delete_for_runs", "copy_thread", "prune",
]  # fmt: skip


@pytest.mark.parametrize("capability", CAPABILITIES)
async def test_the_saver_conforms_in(capability, server, namespace):
    @checkpointer_test(name="BotWireSaver")
    async def saver():
        yield BotWireSaver(namespace, base_url=server.url)

    report = await validate(saver, capabilities={capability})

    result = report.results[capability]
    assert result.failures == []
    assert result.detected
    assert result.tests_passed > 0
