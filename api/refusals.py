"""What only HTTP can get wrong, as refusals beside those of the domain. How they look is decided in `api.problems`."""

from typing import Any

from namespaces.errors import Refusal


class RequestRefused(Refusal):
    """A request whose form is refused; `code` is one of `api.problems.PROBLEMS`."""

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.code = code  # type: ignore[misc]  # one class for all of them: nobody catches them one by one
