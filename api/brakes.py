"""The brakes per client address, on making namespaces and on guessing tokens. What is counted per namespace is counted
in the domain.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from api.requests import address_of, network_of
from namespaces.errors import DatabaseUnavailable, GuessLimit, NamespaceCreationLimit
from namespaces.limits import limit


def creation_brake(request: HttpRequest) -> Callable[[], None]:
    """A function that counts one new namespace for the request's address, and raises where there are too many."""

    def admit() -> None:
        most = limit("new_namespaces_per_hour")
        if retry_after := _count(request, "new-namespaces", most):
            raise NamespaceCreationLimit(limit=most, retry_after=retry_after)

    return admit


def count_guess(request: HttpRequest) -> None:
    """Count a token or claim code that is none for the request's address; GuessLimit where there are too many."""
    most = limit("guesses_per_hour")
    if retry_after := _count(request, "guesses", most):
        raise GuessLimit(limit=most, retry_after=retry_after)


def _count(request: HttpRequest, group: str, most: int) -> int:
    """Count one for the request's address: 0, or, beyond `most` in this hour, the seconds left of it."""
    try:
        usage = get_usage(
            request,
            group=group,
            key=lambda group, request: network_of(address_of(request)),
            rate=f"{most}/h",
            increment=True,
        )
    except cache_errors() as error:
        raise DatabaseUnavailable from error
    return max(usage["time_left"], 1) if usage and usage["should_limit"] else 0


def cache_errors() -> tuple[type[Exception], ...]:
    """What Redis raises when it is away; imported only where it is used, which takes a fifth of a second."""
    if not settings.IS_REDIS:
        return ()
    from redis.exceptions import RedisError

    return (RedisError,)
