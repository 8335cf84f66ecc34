"""A model that answers what a function makes of the conversation, and keeps what it was given."""

from collections.abc import Callable

from agent_framework import BaseChatClient, ChatResponse, FunctionInvocationLayer, Message


class Script(FunctionInvocationLayer, BaseChatClient):
    """Each call answers the messages that the next of `answers` makes of what the model is given."""

    def __init__(self, *answers: Callable[[list[Message]], Message]) -> None:
        super().__init__()
        self.answers = [*answers]
        self.given: list[list[Message]] = []

    def _inner_get_response(self, *, messages, stream, options, **kwargs):
        async def answer() -> ChatResponse:
            self.given.append([*messages])
            return ChatResponse(messages=[self.answers.pop(0)([*messages])])

        assert not stream
        return answer()


def saying(text: str) -> Callable[[list[Message]], Message]:
    return lambda _: Message("assistant", [text])


def counting(messages: list[Message]) -> Message:
    """What the user said so far."""
    return Message("assistant", [f"I know {[message.text for message in messages if message.role == 'user']}"])
