"""Who makes a request, and which namespace it gets: judged once, before any view, and asked of `namespaces.access`.

A namespace that is not there for the caller is exchanged for one that nobody has: so whatever is asked, reads and
writes alike, is answered by the same code, at the same cost, as if the namespace did not exist.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.brakes import count_guess, creation_brake
from api.refusals import RequestRefused
from api.rendering import CLAIM_CODE, as_json
from api.requests import address_of, decoded_for_search, namespace_of, writer_of
from namespaces import access, tally
from namespaces.access import Admission
from namespaces.callers import Caller
from namespaces.errors import DatabaseTrouble, InvalidToken, NamespaceNotFound
from namespaces.tokens import check_token, has_token

_BEARER = re.compile(r"bearer +(.*)", re.IGNORECASE | re.DOTALL)
_SAFE = ("GET", "HEAD", "OPTIONS")


class Creation:
    """The brake on making namespaces, that also remembers whether one was made."""

    def __init__(self, request: HttpRequest) -> None:
        self._brake = creation_brake(request)
        self.has_happened = False

    def __call__(self) -> None:
        self._brake()
        self.has_happened = True


@dataclass(slots=True)
class Asked:
    """What a request is about: the namespace to ask for, the name to tell, and who asks."""

    namespace: str
    told_as: str
    caller: Caller
    creation: Creation = field(repr=False)

    def finish(self, response: HttpResponse) -> None:
        """Have an answer tell the name that was asked for, and the claim code, if the request made the namespace."""
        if self.namespace != self.told_as:
            response.content = told(response.content, self.namespace, self.told_as)
        elif self.creation.has_happened and response.status_code < 300:
            _add_claim_code(response, self.namespace)


def told(content: bytes, stand_in: str, name: str) -> bytes:
    """An answer about a stand-in as one about the namespace that was asked for. Nothing else has a stand-in's name."""
    return content.replace(stand_in.encode(), name.encode())


def _add_claim_code(response: HttpResponse, namespace: str) -> None:
    try:
        code = access.claim_code_of(namespace)
    except DatabaseTrouble:
        return  # what was written is written; only this cannot be told
    if code is not None:
        response[CLAIM_CODE] = code
        response.content = response.content[:-1] + f', "claim_code": {as_json(code)}}}'.encode()


def asked_of(request: HttpRequest) -> Asked:
    """What a request is about.

    Raises InvalidNamespace, InvalidToken, GuessLimit, InvalidWriter, and 400 `token_in_url` and `writer_mismatch`.
    """
    check_address(request)
    name, token = namespace_of(request), token_of(request)
    admission = admission_of(request, name, token)
    creation = Creation(request)
    caller = _caller_of(request, admission, creation)
    if admission.is_seen:
        if admission.token:
            tally.count_use(name, admission.token.digest)
        return Asked(name, name, caller, creation)
    stand_in = access.stand_in_of(name)
    return Asked(stand_in, name, replace(caller, admit_creation=_refusing(stand_in)), creation)


def asked_by_anyone(request: HttpRequest) -> Asked:
    """The same for a request that needs no admission, whatever token it shows."""
    check_address(request)
    name, creation = namespace_of(request), Creation(request)
    return Asked(name, name, _caller_of(request, access.ANYONE, creation), creation)


def admission_of(request: HttpRequest, namespace: str, token: str) -> Admission:
    """What a token, or none, lets a request do in a namespace; wrong ones are counted for the request's address.

    Raises InvalidNamespace, InvalidToken, GuessLimit, DatabaseUnavailable.
    """
    if token:
        check_token(token)
    try:
        admission = access.admit(namespace, token)
    except InvalidToken:
        count_guess(request)
        raise
    if token and not admission.token:
        count_guess(request)
    return admission


def _refusing(namespace: str) -> Any:
    def refuse() -> None:
        raise NamespaceNotFound(namespace)

    return refuse


def _caller_of(request: HttpRequest, admission: Admission, creation: Creation) -> Caller:
    writer = "" if request.method in _SAFE else writer_of(request)
    caller = Caller(writer, address=address_of(request), admit_creation=creation)
    if admission.token is None:
        return caller
    if writer not in ("", admission.token.name):
        message = f"X-BotWire-Agent says {writer!r}; this token stands for {admission.token.name!r}."
        raise RequestRefused("writer_mismatch", message)
    return replace(caller, writer=admission.token.name, is_verified=True, token=admission.token)


def token_of(request: HttpRequest) -> str:
    """The token in the header Authorization; empty without one, or where the header is for somebody before us."""
    return token_in(request.META.get("HTTP_AUTHORIZATION", ""))


def token_in(header: str) -> str:
    """The same of the header's own text."""
    found = _BEARER.fullmatch(header.strip())
    return found[1] if found else ""


def check_address(request: HttpRequest) -> None:
    """Refuse a token anywhere in the address: addresses end up in logs, histories and referrers."""
    if has_token(decoded_for_search(request)):
        raise RequestRefused("token_in_url", "There is a token in this address, where others will see it.")
