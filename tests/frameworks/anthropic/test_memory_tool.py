"""The memory tools: beside the SDK's own tool for files, used by many at once, and in the SDK's own loop."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.lib.tools import ToolError
from anthropic.tools.memory import BetaLocalFilesystemMemoryTool

from botwire import Memory
from botwire.anthropic import BotWireAsyncMemoryTool, BotWireMemoryTool

LONG = "\n".join(f"line {number}" for number in range(30))
COMMANDS = [
    ("view", {"path": "/memories"}),
    ("create", {"path": "/memories/notes.txt", "file_text": "one\ntwo\nthree\n"}),
    ("create", {"path": "/memories/notes.txt", "file_text": "again"}),
    ("create", {"path": "/memories/empty", "file_text": ""}),
    ("create", {"path": "/memories/a/b/c/deep.md", "file_text": "deep"}),
    ("create", {"path": "/memories/a.md", "file_text": "x" * 1536}),
    ("create", {"path": "/memories/a/long.txt", "file_text": LONG}),
    ("create", {"path": "/memories/.hidden", "file_text": "hush"}),
    ("create", {"path": "/memories/ünï 😀 100%?#.txt", "file_text": "\u2028 \r\n end"}),
    ("view", {"path": "/memories"}),
    ("view", {"path": "/memories/a"}),
    ("view", {"path": "/memories/notes.txt"}),
    ("view", {"path": "/memories/empty"}),
    ("view", {"path": "/memories/ünï 😀 100%?#.txt"}),
    ("view", {"path": "/memories/a/long.txt", "view_range": [3, 7]}),
    ("view", {"path": "/memories/a/long.txt", "view_range": [28, -1]}),
    ("view", {"path": "/memories/a/long.txt", "view_range": [0, 99]}),
    ("view", {"path": "/memories/a/long.txt", "view_range": [9, 2]}),
    ("view", {"path": "/memories/./a/../notes.txt"}),
    ("view", {"path": "/memories/nowhere"}),
    ("view", {"path": "/etc/passwd"}),
    ("view", {"path": "/memories/../etc/passwd"}),
    ("create", {"path": "/memories/../escaped", "file_text": "no"}),
    ("str_replace", {"path": "/memories/notes.txt", "old_str": "two", "new_str": "2\n2½"}),
    ("str_replace", {"path": "/memories/notes.txt", "old_str": "missing", "new_str": ""}),
    ("str_replace", {"path": "/memories/notes.txt", "old_str": "2", "new_str": ""}),
    ("str_replace", {"path": "/memories/notes.txt", "old_str": "", "new_str": "x"}),
    ("str_replace", {"path": "/memories/a/long.txt", "old_str": "line 29", "new_str": "the end"}),
    ("str_replace", {"path": "/memories/nowhere", "old_str": "a", "new_str": "b"}),
    ("str_replace", {"path": "/memories/a", "old_str": "a", "new_str": "b"}),
    ("str_replace", {"path": "/memories", "old_str": "a", "new_str": "b"}),
    ("insert", {"path": "/memories/notes.txt", "insert_line": 0, "insert_text": "zero\n"}),
    ("insert", {"path": "/memories/notes.txt", "insert_line": 5, "insert_text": "last"}),
    ("insert", {"path": "/memories/notes.txt", "insert_line": 99, "insert_text": "no"}),
    ("insert", {"path": "/memories/notes.txt", "insert_line": -1, "insert_text": "no"}),
    ("insert", {"path": "/memories/empty", "insert_line": 0, "insert_text": "now something"}),
    ("insert", {"path": "/memories/nowhere", "insert_line": 0, "insert_text": "no"}),
    ("insert", {"path": "/memories/a", "insert_line": 0, "insert_text": "no"}),
    ("view", {"path": "/memories/notes.txt"}),
    ("rename", {"old_path": "/memories/notes.txt", "new_path": "/memories/new/place.txt"}),
    ("rename", {"old_path": "/memories/notes.txt", "new_path": "/memories/elsewhere.txt"}),
    ("rename", {"old_path": "/memories/new/place.txt", "new_path": "/memories/empty"}),
    ("rename", {"old_path": "/memories/empty", "new_path": "/memories/a"}),
    ("rename", {"old_path": "/memories", "new_path": "/memories/all"}),
    ("rename", {"old_path": "/memories/a", "new_path": "/memories"}),
    ("rename", {"old_path": "/memories/a", "new_path": "/memories/renamed"}),
    ("view", {"path": "/memories/renamed/b/c/deep.md"}),
    ("view", {"path": "/memories/a"}),
    ("delete", {"path": "/memories/renamed/b"}),
    ("delete", {"path": "/memories/a.md"}),
    ("delete", {"path": "/memories/a.md"}),
    ("delete", {"path": "/memories"}),
    ("view", {"path": "/memories"}),
]  # fmt: skip


def outcome(tool, command, arguments):
    """What a tool says, without the sizes of folders, which are those of the file system there."""
    try:
        said = tool.call({"command": command, **arguments})
    except ToolError as error:
        said = f"error: {error}"
    return re.sub(r"^\S+(\t/memories(?:/(?:\S*/)?|/a)?)$", r"?\1", said, flags=re.MULTILINE)


@pytest.fixture
def tool(server, namespace) -> BotWireMemoryTool:
    return BotWireMemoryTool(namespace, base_url=server.url)


def test_it_says_word_for_word_what_the_tool_for_files_says(tool, tmp_path):
    theirs = BetaLocalFilesystemMemoryTool(str(tmp_path))

    told = [(name, given, outcome(tool, name, given)) for name, given in COMMANDS]

    assert told == [(name, given, outcome(theirs, name, given)) for name, given in COMMANDS]


def test_it_is_declared_as_the_memory_tool(tool, namespace):
    cached = BotWireMemoryTool(namespace, cache_control={"type": "ephemeral"})

    assert tool.to_dict() == {"type": "memory_20250818", "name": "memory"}
    assert cached.to_dict() == {"type": "memory_20250818", "name": "memory", "cache_control": {"type": "ephemeral"}}


def test_a_file_is_the_text_under_its_key(tool, memory):
    tool.call({"command": "create", "path": "/memories/plan/today.md", "file_text": "sell"})
    memory.set("memories/plan/tomorrow.md", "buy")

    assert memory.get("memories/plan/today.md") == "sell"
    assert tool.call({"command": "view", "path": "/memories/plan"}).splitlines()[1:] == [
        "7B\t/memories/plan", "4B\t/memories/plan/today.md", "3B\t/memories/plan/tomorrow.md",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, True, 2**80, 0.1, [1, []], {"a": {"b": "ü"}}])
def test_a_value_that_is_no_text_is_shown_as_json_and_not_edited(tool, memory, value):
    memory.set("memories/value", value)

    shown = tool.call({"command": "view", "path": "/memories/value"})
    edited = outcome(tool, "insert", {"path": "/memories/value", "insert_line": 0, "insert_text": "x"})

    lines = [line.partition("\t")[2] for line in shown.splitlines()[1:]]
    assert json.loads("\n".join(lines)) == value
    assert edited == "error: The path /memories/value is not a text file: other agents keep a JSON value there."
    assert memory.get("memories/value") == value


@pytest.mark.parametrize("path", ["/memories/a\nb", "/memories/\x00", "/memories/" + "x" * 600, "/memoriesfoo"])
def test_a_path_that_can_not_be_one_is_an_error_that_the_model_reads(tool, memory, path):
    told = outcome(tool, "create", {"path": path, "file_text": "no"})

    assert told.startswith("error: ")
    assert memory.list_keys() == []


def test_a_slash_at_the_end_of_a_folder_changes_nothing(tool):
    tool.call({"command": "create", "path": "/memories/a/b", "file_text": "x"})

    assert tool.call({"command": "view", "path": "/memories/"}) == tool.call({"command": "view", "path": "/memories"})


def test_a_file_is_no_folder(tool):
    tool.call({"command": "create", "path": "/memories/a", "file_text": "file"})

    told = outcome(tool, "create", {"path": "/memories/a/b/c", "file_text": "no"})

    assert told == "error: The path /memories/a is not a directory."


def test_a_folder_is_not_moved_into_itself(tool):
    tool.call({"command": "create", "path": "/memories/a/b", "file_text": "file"})

    told = outcome(tool, "rename", {"old_path": "/memories/a", "new_path": "/memories/a/c"})

    assert told == "error: Cannot move /memories/a into itself"


def test_of_many_that_create_a_file_one_does(tool):
    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(lambda text: outcome(tool, "create", {"path": "/memories/one", "file_text": text}), "abcdefgh")
        )

    assert sorted(told) == ["File created successfully at: /memories/one"] + 7 * [
        "error: File /memories/one already exists"
    ]


def test_of_many_that_edit_a_file_nobody_loses_a_line(tool):
    tool.call({"command": "create", "path": "/memories/log", "file_text": "end\n"})

    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda number: tool.call(
                    {"command": "insert", "path": "/memories/log", "insert_line": 0, "insert_text": f"line {number}"}
                ),
                range(24),
            )
        )

    lines = [line.partition("\t")[2] for line in tool.call({"command": "view", "path": "/memories/log"}).splitlines()]
    assert sorted(lines[1:-1]) == sorted([*(f"line {number}" for number in range(24)), "end"])


def test_the_limit_of_the_day_is_an_error_that_the_model_reads(cramped, namespace):
    tool = BotWireMemoryTool(namespace, base_url=cramped.url)
    with Memory(namespace, base_url=cramped.url) as memory:
        for _ in range(3):
            memory.increment("others")

        told = outcome(tool, "create", {"path": "/memories/a", "file_text": "lost"})

        assert told == (
            f"error: The namespace {namespace} has used 3 of its 3 writes of this UTC day. "
            "Write again after resets_at; reads go on."
        )
        assert memory.list_keys() == ["others"]


def test_a_file_that_is_too_large_is_an_error_that_the_model_reads(cramped, namespace):
    tool = BotWireMemoryTool(namespace, base_url=cramped.url)
    tool.call({"command": "create", "path": "/memories/a", "file_text": "short\n"})

    told = outcome(tool, "insert", {"path": "/memories/a", "insert_line": 1, "insert_text": "x" * 200})

    assert told == ("error: This value is 211 bytes of JSON; a value may have 200. Split the value over several keys.")
    assert tool.call({"command": "view", "path": "/memories/a"}).splitlines()[1:] == ["     1\tshort", "     2\t"]


def test_no_server_is_an_error_that_the_model_reads(namespace):
    tool = BotWireMemoryTool(memory=Memory(namespace, base_url="http://127.0.0.1:9", retries=0))

    assert outcome(tool, "view", {"path": "/memories"}).startswith("error: No answer from http://127.0.0.1:9")


def test_clearing_deletes_the_files_and_nothing_else(tool, memory):
    tool.call({"command": "create", "path": "/memories/a/b", "file_text": "x"})
    memory.set("other", 1)

    assert tool.clear_all_memory() == "All memory cleared"
    assert memory.list_keys() == ["other"]


def test_files_are_there_after_the_server_was_killed(server, tool):
    tool.call({"command": "create", "path": "/memories/a", "file_text": "before\n"})
    server.kill()
    server.start()
    tool.call({"command": "insert", "path": "/memories/a", "insert_line": 1, "insert_text": "after"})

    assert tool.call({"command": "view", "path": "/memories/a"}).splitlines()[1:3] == [
        "     1\tbefore",
        "     2\tafter",
    ]


def test_the_asynchronous_tool_does_the_same(server, namespace, tmp_path):
    ours, theirs = BotWireAsyncMemoryTool(namespace, base_url=server.url), BetaLocalFilesystemMemoryTool(str(tmp_path))

    def waiting(command):
        return asyncio.run(ours.call(command))

    told = [outcome(SimpleNamespace(call=waiting), name, given) for name, given in COMMANDS[:12]]

    assert told == [outcome(theirs, name, given) for name, given in COMMANDS[:12]]
    assert asyncio.run(ours.clear_all_memory()) == "All memory cleared"


# --- Claude, from a script: what it is sent is kept, what it answers is given


def scripted(*answers):
    """A transport that answers as the Messages API; and the requests it got."""
    requests, left = [], list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(json.loads(request.content))
        content = left.pop(0)
        reason = "tool_use" if content[-1]["type"] == "tool_use" else "end_turn"
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content,
            "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        return httpx2.Response(200, json=message)

    return httpx2.MockTransport(answer), requests


def use(**command):
    return [{"type": "tool_use", "id": "toolu_1", "name": "memory", "input": command}]


def test_the_runner_of_the_sdk_gives_results_and_errors_to_the_model(tool, memory):
    transport, requests = scripted(
        use(command="view", path="/memories/plan"),
        use(command="create", path="/memories/plan", file_text="buy"),
        [{"type": "text", "text": "Noted."}],
    )
    client = Anthropic(api_key="none", http_client=httpx2.Client(transport=transport))

    said = client.beta.messages.tool_runner(
        model="claude", max_tokens=100, messages=[{"role": "user", "content": "Plan."}], tools=[tool]
    ).until_done()

    assert said.content[0].text == "Noted."
    assert requests[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    results = [request["messages"][-1]["content"][0] for request in requests[1:]]
    assert [(result.get("is_error", False), result["content"]) for result in results] == [
        (True, "The path /memories/plan does not exist. Please provide a valid path."),
        (False, "File created successfully at: /memories/plan"),
    ]
    assert memory.get("memories/plan") == "buy"


def test_the_asynchronous_runner_of_the_sdk_uses_the_asynchronous_tool(server, namespace, memory):
    transport, _ = scripted(
        use(command="create", path="/memories/plan", file_text="buy"), [{"type": "text", "text": "Noted."}]
    )

    async def run():
        client = AsyncAnthropic(api_key="none", http_client=httpx2.AsyncClient(transport=transport))
        tool = BotWireAsyncMemoryTool(namespace, base_url=server.url)
        return await client.beta.messages.tool_runner(
            model="claude", max_tokens=100, messages=[{"role": "user", "content": "Plan."}], tools=[tool]
        ).until_done()

    assert asyncio.run(run()).content[0].text == "Noted."
    assert memory.get("memories/plan") == "buy"


AGENT = """
import json, sys
import httpx2
from anthropic import Anthropic
from botwire.anthropic import BotWireMemoryTool

def answer(request):
    last = json.loads(request.content)["messages"][-1]["content"]
    if isinstance(last, str):
        content = [{"type": "tool_use", "id": "t", "name": "memory", "input": json.loads(sys.argv[2])}]
    else:
        content = [{"type": "text", "text": last[0]["content"]}]
    return httpx2.Response(200, json={
        "id": "m", "type": "message", "role": "assistant", "model": "claude", "content": content,
        "stop_reason": "tool_use" if isinstance(last, str) else "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    })

client = Anthropic(api_key="none", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
tool = BotWireMemoryTool(sys.argv[1])
messages = [{"role": "user", "content": "Go on."}]
runner = client.beta.messages.tool_runner(model="claude", max_tokens=99, messages=messages, tools=[tool])
print(runner.until_done().content[0].text)
"""


def test_an_agent_in_another_process_reads_what_the_first_wrote(run_program, namespace):
    def agent(**command):
        return run_program(AGENT, namespace, json.dumps(command)).splitlines()

    wrote = agent(command="create", path="/memories/found", file_text="the culprit: a cold cache")
    read = agent(command="view", path="/memories/found")

    assert wrote == ["File created successfully at: /memories/found"]
    assert read == [
        "Here's the content of /memories/found with line numbers:", "     1\tthe culprit: a cold cache",
    ]  # fmt: skip


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("anthropic")
