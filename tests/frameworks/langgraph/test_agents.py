"""Agents with a scripted model that share a store: in two processes, over a limit; and the page of the documents."""

from botwire.langgraph import BotWireStore
from tests.frameworks.langgraph.graphs import agent

AGENT = """
import sys
from botwire.langgraph import BotWireStore
from tests.frameworks.langgraph.graphs import agent

graph = agent(BotWireStore(sys.argv[1]), eval(sys.argv[2]), sys.argv[3])
for message in graph.invoke({"messages": ["go"]})["messages"][1:]:
    print(message.content)
"""


def test_a_second_process_acts_on_what_the_first_remembered(run_program, namespace):
    run_program(AGENT, namespace, repr(("remember", {"key": "signal", "value": "buy"})), "Noted.")
    said = run_program(AGENT, namespace, repr(("recall", {"key": "signal"})), "I buy.")

    assert said.splitlines() == ["", "buy", "I buy."]


def test_a_refusal_reaches_the_agent_and_its_run_goes_on(cramped, namespace):
    graph = agent(
        BotWireStore(namespace, base_url=cramped.url), ("remember", {"key": "k", "value": "x" * 300}), "Then shorter."
    )

    *_, told, last = graph.invoke({"messages": ["go"]})["messages"]

    assert "may have 200. Split the value" in told.content
    assert last.content == "Then shorter."


def test_the_page_runs_as_it_stands(run_page):
    run_page("langgraph")
