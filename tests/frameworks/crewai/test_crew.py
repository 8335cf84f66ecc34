"""Whole crews with a scripted model: in one process, in two, over a limit; and the page of the documents."""

import asyncio

import pytest
from crewai import Agent, Crew, Task

from botwire.memory import memory_tools
from tests.frameworks.crewai.scripted import NativeScript, Script, action, answer, native

ONE_AGENT = """
import sys
from crewai import Crew
from tests.frameworks.crewai.scripted import Script
from tests.frameworks.crewai.test_crew import crew_of, memory_tools

llm = Script(model="script", lines=sys.argv[2:], heard=[])
print(crew_of(llm, memory_tools(sys.argv[1])).kickoff().raw)
print(llm.heard[-1])
"""


def crew_of(llm, tools, **options) -> Crew:
    agent = Agent(role="Researcher", goal="Know", backstory="Curious.", tools=tools, llm=llm)
    task = Task(description="Do it.", expected_output="A sentence", agent=agent)
    return Crew(agents=[agent], tasks=[task], **options)


@pytest.fixture(params=[(Script, action), (NativeScript, native)], ids=["text", "native"])
def play(request, server, namespace):
    """Runs a crew of one agent through its script, in either of CrewAI's ways to call a tool; what the model heard."""
    script, call = request.param

    def play(*lines, url=server.url):
        said = [line if isinstance(line, str) else call(line[0], **line[1]) for line in lines]
        llm = script(model="script", lines=said, heard=[])
        output = crew_of(llm, memory_tools(namespace, base_url=url)).kickoff()
        return output, llm.heard

    return play


def test_an_agent_remembers_and_recalls(play, memory):
    output, heard = play(
        ("remember", {"key": "plan", "value": {"steps": [1, "two", None]}}), ("recall", {"key": "plan"}),
        ("list_memory", {}), answer("I know the plan."),
    )  # fmt: skip

    assert "I know the plan." in output.raw
    assert memory.get("plan") == {"steps": [1, "two", None]}
    assert '{"steps": [1, "two", null]}' in heard[-1]
    assert '["plan"]' in heard[-1]


def test_nothing_is_answered_from_a_cache(server, namespace, memory):
    tools = memory_tools(namespace, base_url=server.url)
    recall = action("recall", key="price")
    llm = Script(model="script", lines=[recall, answer("Seen."), recall, answer("Seen again.")], heard=[])
    crew = crew_of(llm, tools, cache=True)

    memory.set("price", 111)
    crew.kickoff()
    memory.set("price", 222)
    crew.kickoff()

    assert "111" in llm.heard[1]
    assert "222" in llm.heard[3]


def test_a_refusal_reaches_the_agent_and_its_run_goes_on(play, cramped):
    output, heard = play(
        ("remember", {"key": "big", "value": "x" * 300}), answer("Then I will store less."), url=cramped.url
    )

    assert "Then I will store less." in output.raw
    assert "value_too_large" in heard[-1]
    assert [record.failure.code for record in output.tasks_output[0].tool_failures] == ["value_too_large"]


def test_a_crew_runs_asynchronously(server, namespace, memory):
    llm = Script(model="script", lines=[action("remember", key="k", value=1), answer("Done.")], heard=[])
    crew = crew_of(llm, memory_tools(namespace, base_url=server.url))

    assert asyncio.run(crew.akickoff()).raw == "Done."
    assert memory.get("k") == 1


def test_a_copy_of_a_crew_has_the_same_memory(server, namespace, memory):
    lines = [action("remember", key="k", value=1), answer("Done."), action("remember", key="l", value=2), answer("So.")]
    crew = crew_of(Script(model="script", lines=lines, heard=[]), memory_tools(namespace, base_url=server.url))

    crew.kickoff_for_each([{}, {}])

    assert dict(memory.items()) == {"k": 1, "l": 2}


def test_a_second_process_acts_on_what_the_first_remembered(run_program, namespace):
    first = run_program(ONE_AGENT, namespace, action("remember", key="signal", value={"act": "buy"}), answer("Noted."))
    second = run_program(ONE_AGENT, namespace, action("recall", key="signal"), answer("I buy."))

    assert first.startswith("Noted.")
    assert second.splitlines()[0] == "I buy."
    assert '{"act": "buy"}' in second


def test_the_page_runs_as_it_stands(run_page):
    run_page("crewai")
