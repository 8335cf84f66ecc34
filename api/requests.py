"""What a request says: which namespace and key, which parameters, which body, who calls. Nothing here answers.

Names are taken from the raw path: once decoded, `%ff` and `%25ff`, or `a%2Fb` in a namespace, could not be told apart.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import Http404, HttpRequest

from api.refusals import RequestRefused
from namespaces.changes import NOW, By
from namespaces.errors import InvalidInput, InvalidKey, InvalidNamespace, InvalidWriter, RollbackNotFound
from namespaces.limits import limit
from namespaces.names import NAMESPACE_LENGTH, check_key, check_namespace, check_writer


def raw_path(request: HttpRequest) -> str:
    """The path as it stood in the request line, percent-encoded; bytes beyond ASCII as Latin-1 characters.

    gunicorn gives the request line away as RAW_URI; `botwire_site.wsgi` makes up for servers that do not.
    """
    return path_of_target(request.META["RAW_URI"]).removeprefix(request.META.get("SCRIPT_NAME", ""))


def path_of_target(target: str) -> str:
    """The path of a request target in origin-form or absolute-form (RFC 9112 section 3.2)."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    return target.partition("?")[0].partition("#")[0]


def namespace_of(request: HttpRequest) -> str:
    """The namespace that the path names; InvalidNamespace if it cannot be one."""
    return namespace_in(raw_path(request))


def key_of(request: HttpRequest) -> str:
    """The key that the path names: everything after the namespace, decoded once; InvalidKey if it cannot be one."""
    return key_in(raw_path(request))


def namespace_in(path: str) -> str:
    """The same of a raw path."""
    segments = path.split("/", 3)
    if len(segments) < 3:
        raise Http404
    return check_namespace(decoded(segments[2], InvalidNamespace, NAMESPACE_LENGTH))


def key_in(path: str) -> str:
    """The same of a raw path."""
    segments = path.split("/", 3)
    key = segments[3] if len(segments) == 4 else ""
    return check_key(decoded(key, InvalidKey, limit("key_bytes")))


def lease_name_of(request: HttpRequest) -> str:
    """The lease that the path names: everything after `/leases/`, decoded once; InvalidKey if it cannot be one."""
    return lease_name_in(raw_path(request))


def lease_name_in(path: str) -> str:
    """The same of a raw path."""
    segments = path.split("/", 4)
    name = segments[4] if len(segments) == 5 else ""
    return check_key(decoded(name, InvalidKey, limit("key_bytes")))


def job_of(request: HttpRequest, namespace: str) -> datetime:
    """The moment by which the path, after `/rollbacks/`, names a job; RollbackNotFound if it is none."""
    text = decoded(raw_path(request).split("/", 4)[4], InvalidKey, limit("key_bytes"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RollbackNotFound(namespace, text[:40]) from None
    if moment.tzinfo is None:
        raise RollbackNotFound(namespace, text[:40])
    return moment


def fencing_of(parameters: dict[str, str]) -> int:
    """The parameter `fencing`; refused unless it is there and a whole number."""
    given = parameters.get("fencing", "")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise RequestRefused("invalid_parameter", "fencing is the number of the lease.", parameter="fencing")
    return int(given)


def decoded(encoded: str, refusal: type[InvalidInput], most: int) -> str:
    """Percent-decoded UTF-8, or the refusal."""
    if "%" not in encoded and encoded.isascii():
        return encoded
    try:
        return unquote_to_bytes(encoded.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise refusal("What is percent-encoded is not valid UTF-8.", limit=most) from None


def decoded_for_search(request: HttpRequest) -> str:
    """The whole target of a request as text in which to look for something; what is not UTF-8 in it is replaced."""
    return searchable(request.META["RAW_URI"])


def searchable(target: str) -> str:
    """The same of a request target."""
    return unquote_to_bytes(target.encode("latin-1", "replace")).decode(errors="replace")


def parameters_of(request: HttpRequest, *known: str) -> dict[str, str]:
    """The query parameters by name; an unknown or doubled one is refused, so that a slip never widens a request."""
    return parameters_in(request.META.get("QUERY_STRING", ""), *known)


def parameters_in(query: str, *known: str) -> dict[str, str]:
    """The same of a raw query string."""
    found: dict[str, str] = {}
    for name, value in _pairs(query):
        if name not in known or name in found:
            fault = "stands twice" if name in found else f"is unknown here; known are: {', '.join(known) or 'none'}"
            raise RequestRefused("invalid_parameter", f"The query parameter {name!r} {fault}.", parameter=name)
        found[name] = value
    return found


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        try:
            name, value = (
                unquote_to_bytes(part.replace("+", " ").encode("latin-1")).decode() for part in _halves(pair)
            )
        except UnicodeDecodeError:
            raise RequestRefused("invalid_parameter", "The query string is not valid UTF-8.", parameter=None) from None
        yield name, value


def _halves(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name, value


def page_limit_of(parameters: dict[str, str]) -> int:
    """The `limit` of a list; refused unless a whole number from 1 to the limit on keys per page."""
    given = parameters.get("limit", str(limit("keys_per_page_default")))
    most = limit("keys_per_page")
    if not (_is_whole(given) and 1 <= int(given) <= most):
        raise RequestRefused(
            "invalid_parameter", f"limit is a whole number from 1 to {most:,}.", parameter="limit", limit=most
        )
    return int(given)


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number, of so few digits that a signed 64-bit integer holds it."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def since_of(parameters: dict[str, str], last_event_id: str = "") -> int:
    """The revision in the header Last-Event-ID, which is the later one, or in `since`; NOW where there is neither."""
    given = last_event_id or parameters.get("since")
    if given is None:
        return NOW
    if not _is_whole(given):
        message = "since, or Last-Event-ID, is a revision, a whole number from 0."
        raise RequestRefused("invalid_parameter", message, parameter="since")
    return int(given)


def by_of(parameters: dict[str, str]) -> By:
    """Whose changes the parameters `writer` (empty: those without a name) and `verified` ask for."""
    name = parameters.get("writer")
    return By(name, truth_of(parameters, "verified") if "verified" in parameters else None)


def truth_of(parameters: dict[str, str], name: str) -> bool:
    """A parameter that has to be there and is `true` or `false`."""
    given = parameters.get(name)
    if given not in ("true", "false"):
        raise RequestRefused("invalid_parameter", f"{name} is true or false.", parameter=name)
    return given == "true"


def text_of(parameters: dict[str, str], name: str) -> str:
    """A parameter that has to be there."""
    if name not in parameters:
        raise RequestRefused("invalid_parameter", f"{name} is missing.", parameter=name)
    return parameters[name]


def revision_of(parameters: dict[str, str], name: str) -> int | None:
    """A parameter that is a revision; None where it is not given."""
    given = parameters.get(name)
    if given is not None and not _is_whole(given):
        raise RequestRefused("invalid_parameter", f"{name} is a revision, a whole number from 0.", parameter=name)
    return None if given is None else int(given)


def wait_of(parameters: dict[str, str]) -> int | None:
    """For how many seconds the answer may be held, None where `wait` is not given."""
    given, most = parameters.get("wait"), limit("wait_seconds")
    if given is None:
        return None
    if not (_is_whole(given) and int(given) <= most):
        message = f"wait is a whole number of seconds from 0 to {most:,}."
        raise RequestRefused("invalid_parameter", message, parameter="wait", limit=most)
    return int(given)


def wants_stream(accept: str) -> bool:
    """Whether the header Accept asks for a stream of events."""
    return "text/event-stream" in accept.lower()


def wants_values(parameters: dict[str, str]) -> bool:
    """Whether `include=values` is given; anything else is refused."""
    if parameters.get("include", "values") != "values":
        raise RequestRefused("invalid_parameter", "include can be 'values'.", parameter="include")
    return "include" in parameters


def flag_of(parameters: dict[str, str], name: str) -> bool:
    """A parameter that is true or false; false where it is not given."""
    return choice_of(parameters, name, ("false", "true")) == "true"


def choice_of(parameters: dict[str, str], name: str, known: Sequence[str]) -> str:
    """A parameter that is one of the known words; the first of them where it is not given."""
    given = parameters.get(name, known[0])
    if given not in known:
        raise RequestRefused("invalid_parameter", f"{name} is one of {', '.join(known)}.", parameter=name)
    return given


def wants_minimal(request: HttpRequest) -> bool:
    """Whether `Prefer: return=minimal` (RFC 7240) is given."""
    given = request.META.get("HTTP_PREFER", "").lower().split(",")
    return "return=minimal" in (preference.partition(";")[0].replace(" ", "") for preference in given)


def writer_of(request: HttpRequest) -> str:
    """The name in `X-BotWire-Agent`, percent-decoded; empty where there is none."""
    return writer_in(request.META.get("HTTP_X_BOTWIRE_AGENT", ""))


def writer_in(header: str) -> str:
    """The same of the header's own text, in which bytes beyond ASCII are Latin-1 characters."""
    return check_writer(decoded(header, InvalidWriter, limit("writer_bytes")))


def address_of(request: HttpRequest) -> str:
    """The client's address: of the connection, or what the outermost of our own proxies saw.

    Entries of X-Forwarded-For left of those that `TRUSTED_PROXIES` proxies wrote are the client's own words.
    """
    return address_in(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_in(connection: str, forwarded_for: str) -> str:
    """The same of the connection's address and the header X-Forwarded-For."""
    trusted: int = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    claimed = hops[-trusted] if 0 < trusted <= len(hops) else connection
    return _normal(claimed) or _normal(connection)


def _normal(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed).partition("%")[0]


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one, which one subscriber commonly holds."""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address
