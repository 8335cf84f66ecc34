"""A model that says what a test wrote down for it, and keeps the conversation as it was at each call."""

import json

from crewai import BaseLLM
from pydantic import Field


class Script(BaseLLM):
    """Calls tools by CrewAI's text protocol."""

    lines: list[str]
    heard: list[str] = Field(default_factory=list)

    def call(self, messages, *args, **kwargs):
        self.heard.append("\n".join(str(message.get("content")) for message in messages))
        return self.lines.pop(0)

    async def acall(self, messages, *args, **kwargs):
        return self.call(messages)


class NativeScript(Script):
    """Calls tools as the APIs of models have it: a line that is a JSON object is a call."""

    def supports_function_calling(self) -> bool:
        return True

    def call(self, messages, *args, **kwargs):
        line = super().call(messages)
        if not line.startswith("{"):
            return line
        call = json.loads(line)
        function = {"name": call["tool"], "arguments": json.dumps(call["input"])}
        return [{"id": f"call-{len(self.heard)}", "type": "function", "function": function}]


def action(tool: str, **arguments) -> str:
    return f"Thought: next.\nAction: {tool}\nAction Input: {json.dumps(arguments)}"


def native(tool: str, **arguments) -> str:
    return json.dumps({"tool": tool, "input": arguments})


def answer(text: str) -> str:
    return f"Thought: done.\nFinal Answer: {text}"
