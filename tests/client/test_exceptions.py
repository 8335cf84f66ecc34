"""What an answer that is not 2xx becomes: one class for each code, with its facts."""

import copy
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import botwire
from botwire import (
    AccessDeniedError,
    BotWireAPIError,
    BotWireConnectionError,
    BotWireError,
    BotWireTimeoutError,
    DailyWriteLimitError,
    InvalidRequestError,
    KeyNotFoundError,
    LimitError,
    Memory,
    MethodNotAllowedError,
    NamespaceSuspendedError,
    NotFoundError,
    PreconditionFailedError,
    ServerError,
    StorageLimitError,
    TransactionConflictError,
    UnavailableError,
    UnexpectedAnswerError,
    WaitTimeoutError,
)
from botwire import _exceptions as exceptions
from tests.client.answers import ENTRY, problem

ERRORS_MD = Path(__file__).parents[2] / "docs" / "errors.md"
DOCUMENTED = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", ERRORS_MD.read_text(), re.MULTILINE)


def failure(response: httpx.Response, **options) -> BotWireError:
    """What a get raises that is answered so."""
    transport = httpx.MockTransport(lambda _: response)
    with (
        Memory("desk", base_url="http://server", retries=0, transport=transport, **options) as memory,
        pytest.raises(BotWireError) as caught,
    ):
        memory["tsla"]
    return caught.value


def test_there_is_one_class_for_each_documented_code():
    assert sorted(exceptions.BY_CODE) == sorted(code for _, code in DOCUMENTED)
    assert len(set(exceptions.BY_CODE.values())) == len(DOCUMENTED)


@pytest.mark.parametrize(("status", "code"), DOCUMENTED)
def test_a_refusal_raises_its_code_s_class(status, code):
    error = failure(problem(int(status), code))

    assert type(error) is exceptions.BY_CODE[code]
    assert (error.code, error.status, error.title, error.detail, error.next_step) == (
        code, int(status), "Title", "Detail.", "Next.",
    )  # fmt: skip
    assert str(error) == "Detail. Next."


@pytest.mark.parametrize(("status", "code"), [(status, code) for status, code in DOCUMENTED if status != "507"])
def test_a_code_s_class_belongs_to_its_status(status, code):
    family = exceptions.class_for(int(status), None)

    assert issubclass(exceptions.BY_CODE[code], family)


def test_every_class_is_drawn_in_the_tree_and_public():
    classes = [value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, Exception)]
    drawn = re.findall(r"(\w+Error)\b", exceptions.__doc__.partition("\n\n")[2])

    bases = {"TypeError", "ValueError", "KeyError", "LookupError", "ConnectionError", "TimeoutError"}
    assert {cls.__name__ for cls in classes} == set(drawn) - bases
    assert {cls.__name__ for cls in classes} <= set(botwire.__all__)


def test_the_daily_limit_carries_its_facts():
    error = failure(
        problem(
            429, "daily_write_limit", limit=1000, used=1000, resets_at="2026-02-01T00:00:00.000000Z", retry_after=60
        )
    )

    assert isinstance(error, DailyWriteLimitError)
    assert isinstance(error, LimitError)
    assert (error.limit, error.used, error.retry_after) == (1000, 1000, 60.0)
    assert error.resets_at == datetime(2026, 2, 1, tzinfo=UTC)


def test_the_storage_limit_carries_its_facts():
    error = failure(problem(507, "storage_limit", limit=100, used=90, needed=11))

    assert isinstance(error, StorageLimitError)
    assert (error.limit, error.used, error.needed) == (100, 90, 11)


@pytest.mark.parametrize("until", [None, "2026-02-01T00:00:00.000000Z"])
def test_a_suspension_carries_reason_and_end(until):
    error = failure(problem(403, "namespace_suspended", reason="abuse", until=until))

    assert isinstance(error, NamespaceSuspendedError)
    assert error.reason == "abuse"
    assert error.until == (datetime(2026, 2, 1, tzinfo=UTC) if until else None)


@pytest.mark.parametrize("version", [None, 18])
def test_a_failed_condition_carries_the_current_version(version):
    error = failure(problem(412, "precondition_failed", current_version=version))

    assert isinstance(error, PreconditionFailedError)
    assert error.current_version == version


def test_a_refused_method_carries_the_allowed_ones():
    error = failure(problem(405, "method_not_allowed", allowed=["GET", "PUT"]))

    assert isinstance(error, MethodNotAllowedError)
    assert error.allowed == ("GET", "PUT")


def test_facts_that_make_no_sense_are_left_out():
    error = failure(problem(429, "daily_write_limit", limit="many", used=None, resets_at="soon", title=3))

    assert (error.limit, error.used, error.resets_at, error.title) == (None, None, None, "")


def test_a_missing_key_is_a_key_error_with_a_readable_message():
    error = failure(problem(404, "key_not_found"))

    assert isinstance(error, KeyNotFoundError)
    assert isinstance(error, KeyError)
    assert str(error) == "Detail. Next."


def test_retry_after_is_taken_from_the_header_too():
    refused = problem(503, "database_unavailable")
    refused.headers["Retry-After"] = "7"

    assert failure(refused).retry_after == 7.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-1", None), ("soon", None), ("٣", None)]
)
def test_retry_after_may_be_a_date_and_nonsense_is_ignored(text, seconds):
    refused = httpx.Response(503, headers=[(b"Retry-After", text.encode())])

    assert failure(refused).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, InvalidRequestError),
        (401, AccessDeniedError),
        (403, AccessDeniedError),
        (404, NotFoundError),
        (413, LimitError),
        (418, BotWireAPIError),
        (429, LimitError),
        (500, ServerError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UnavailableError),
        (507, ServerError),
        (599, ServerError),
    ],
)
def test_an_unknown_code_raises_its_status_s_class_and_keeps_the_code(status, family):
    error = failure(problem(status, "code_of_tomorrow"))

    assert type(error) is family
    assert (error.code, error.status) == ("code_of_tomorrow", status)


def test_a_proxy_s_page_is_told_from_botwire_s_answer():
    error = failure(httpx.Response(502, html="<html><h1>Bad Gateway</h1></html>"))

    assert type(error) is UnavailableError
    assert (error.code, error.status) == (None, 502)
    assert str(error) == (
        "http://server/memory/desk/tsla answered 502 Bad Gateway with text/html; charset=utf-8 instead of BotWire's "
        "JSON, which begins '<html><h1>Bad Gateway</h1></html>'."
    )


def test_a_code_in_somebody_else_s_json_means_nothing():
    error = failure(httpx.Response(404, json={"code": "key_not_found"}))

    assert type(error) is NotFoundError
    assert error.code is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<h1>Sign in to the hotel's network</h1>"),
        httpx.Response(200, json={"ok": True}),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={**ENTRY, "version": "17"}),
        httpx.Response(200, json={**ENTRY, "created_at": "2026-01-31T09:00:00"}),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(204),
        httpx.Response(304),
        httpx.Response(302, headers={"Location": "https://elsewhere/"}),
        httpx.Response(302, json=ENTRY),
    ],
    ids=[
        "page",
        "other JSON",
        "list",
        "type",
        "no zone",
        "no text",
        "deep",
        "empty",
        "not modified",
        "redirect",
        "redirect with an entry",
    ],
)
def test_an_answer_that_is_not_botwire_s_raises_unexpected_answer(response):
    error = failure(response)

    assert type(error) is UnexpectedAnswerError
    assert (error.url, error.status) == ("http://server/memory/desk/tsla", response.status_code)


def test_a_redirect_is_not_followed_but_named():
    error = failure(httpx.Response(301, headers={"Location": "https://elsewhere/"}))

    assert "It points to https://elsewhere/." in str(error)


@pytest.mark.parametrize(
    "rebuilt", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy], ids=["pickle", "copy"]
)
@pytest.mark.parametrize(
    "error",
    [
        *(cls("Message.", status=400, title="T", retry_after=1.5) for cls in exceptions.BY_CODE.values()),
        DailyWriteLimitError("Message.", limit=1000, used=1000, resets_at=datetime(2026, 2, 1, tzinfo=UTC)),
        BotWireConnectionError("Message.", method="PUT", url="http://server", is_outcome_unknown=True),
        BotWireTimeoutError("Message.", method="PUT", url="http://server"),
        UnexpectedAnswerError("Message.", url="http://server", status=200),
        WaitTimeoutError("Message.", key="tsla"),
        TransactionConflictError("Message.", key="tsla", operation=2, current_version=17),
    ],
    ids=lambda error: type(error).__name__,
)
def test_facts_survive_pickle_and_copy(error, rebuilt):
    twin = rebuilt(error)

    assert type(twin) is type(error)
    assert (str(twin), vars(twin)) == (str(error), vars(error))
