"""`/n/<namespace>/tokens`: the tokens that the visitor's may manage. They are shared, revoked and rotated here."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from api.access import check_address
from api.problems import PROBLEMS
from api.refusals import RequestRefused
from api.requests import parameters_of
from botwire_site.visitors.doors import new_token_page
from botwire_site.visitors.frame import page
from botwire_site.visitors.visits import Visit, visited_form, with_cookie
from namespaces import tokens
from namespaces.callers import Bearer
from namespaces.errors import Refusal
from namespaces.models import ID_LENGTH, Token
from namespaces.tokens import Shared

DONE = {"revoked": "The token is revoked, with what was shared with it."}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The token that a form asks for."""

    role: str
    name: str | None
    read: list[str] | None
    write: list[str] | None
    ttl: float | None

    @classmethod
    def of(cls, given: QueryDict, own: Bearer) -> "Wanted":
        """What the form says; where it names no keys, all that the visitor's own token may."""
        role, keys, also = given.get("role", ""), _lines(given.get("beginnings", "")), _lines(given.get("also", ""))
        is_writing = role == Token.Role.WRITE
        return cls(
            role=role,
            name=given.get("name", "").strip() or None,
            read=also if is_writing else keys,
            write=(keys or list(own.write)) if is_writing else None,
            ttl=_seconds(given.get("hours", ""), 3_600),
        )


@visited_form
def tokens_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Which tokens there are; a POST says by `action` what to do with one."""
    if request.method != "POST":
        return _page(request, visit)
    try:
        return _act(request, visit)
    except Refusal as refusal:
        return _page(request, visit, refusal)


def _act(request: HttpRequest, visit: Visit) -> HttpResponse:
    given, name = request.POST, visit.namespace
    match given.get("action"):
        case "share":
            return new_token_page(request, _share(visit, given))
        case "rotate":
            return _rotated(request, visit, given)
        case "revoke":
            tokens.revoke(name, given.get("id", ""), visit.caller)
            answer = redirect("namespace-tokens", name)
            answer["Location"] += "?done=revoked"
            answer.status_code = 303
            return answer
        case _:
            raise RequestRefused("invalid_parameter", "There is nothing to do.", parameter="action")


def _share(visit: Visit, given: QueryDict) -> Shared:
    own = visit.token
    if own is None:
        return tokens.share(visit.namespace, visit.caller)  # which is refused: an open namespace has no tokens
    wanted = Wanted.of(given, own)
    return tokens.share(
        visit.namespace,
        visit.caller,
        role=_known_role(wanted.role),
        name=wanted.name,
        read=wanted.read,
        write=wanted.write,
        ttl=wanted.ttl,
    )


def _rotated(request: HttpRequest, visit: Visit, given: QueryDict) -> HttpResponse:
    """The new token; of a visitor who has replaced their own one, the cookie is that of the new one, too."""
    overlap = _seconds(given.get("minutes", ""), 60) or 0
    token_id = given.get("id", "")
    shared = tokens.rotate(visit.namespace, token_id, visit.caller, overlap=overlap)
    answer = new_token_page(request, shared)
    is_own = token_id in (tokens.SELF, visit.caller.digest[:ID_LENGTH])
    return with_cookie(answer, request, visit.namespace, shared.token.digest) if is_own else answer


def _page(request: HttpRequest, visit: Visit, refusal: Refusal | None = None) -> HttpResponse:
    check_address(request)
    done = DONE.get(parameters_of(request, "done").get("done", ""), "")
    context: dict[str, Any] = {"visit": visit, "state": visit.state, "refusal": refusal, "done": done}
    context |= {"tokens": tokens.listed(visit.namespace, visit.caller), "given": request.POST}
    context |= {"own_id": visit.caller.digest[:ID_LENGTH]}
    return page(request, "tokens.html", context, status=PROBLEMS[refusal.code].status if refusal else 200)


def _known_role(role: str) -> str:
    if role not in Token.Role.values:
        raise RequestRefused("invalid_parameter", "A token reads, writes, or is an admin's.", parameter="role")
    return role


def _lines(text: str) -> list[str] | None:
    """A beginning of keys a line; None where there is none."""
    return [line for line in text.replace("\r\n", "\n").split("\n") if line] or None


def _seconds(text: str, unit: int) -> float | None:
    """A number of hours or minutes in seconds; None where none is given."""
    if not text.strip():
        return None
    try:
        return float(text) * unit
    except ValueError:
        raise RequestRefused("invalid_parameter", "How long is a number.", parameter=None) from None
