"""The brake per client address on making namespaces. The limits of a namespace itself are counted in the domain."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from api.requests import address_of, network_of
from namespaces.errors import DatabaseUnavailable, NamespaceCreationLimit
from namespaces.limits import limit


def creation_brake(request: HttpRequest) -> Callable[[], None]:
    """A function that counts one new namespace for the request's address, and raises where there are too many."""

    def admit() -> None:
        most = limit("new_namespaces_per_hour")
        try:
            usage = get_usage(
                request,
                group="new-namespaces",
                key=lambda group, request: network_of(address_of(request)),
                rate=f"{most}/h",
                increment=True,
            )
        except cache_errors() as error:
            raise DatabaseUnavailable from error
        if usage and usage["should_limit"]:
            raise NamespaceCreationLimit(limit=most, retry_after=max(usage["time_left"], 1))

    return admit


def cache_errors() -> tuple[type[Exception], ...]:
    """What Redis raises when it is away; imported only where it is used, which takes a fifth of a second."""
    if not settings.IS_REDIS:
        return ()
    from redis.exceptions import RedisError

    return (RedisError,)
