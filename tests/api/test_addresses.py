"""Who calls: the address behind proxies of our own, and the brake on new namespaces."""

import threading

import pytest
from django.db import connection
from django.test import RequestFactory

from api.requests import address_of, network_of
from namespaces.models import Namespace

HOP = "198.51.100.7"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "found"),
    [
        (0, None, "127.0.0.1"),
        (0, HOP, "127.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, HOP, HOP),
        (1, f"203.0.113.9, {HOP}", HOP),
        (2, f"203.0.113.9, {HOP}, 192.0.2.1", HOP),
        (2, HOP, "127.0.0.1"),
        (1, "rubbish", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "::ffff:198.51.100.7", HOP),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_the_address_is_what_the_outermost_proxy_of_ours_saw(settings, trusted, forwarded, found):
    settings.TRUSTED_PROXIES = trusted
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    assert address_of(RequestFactory().get("/", headers=headers)) == found


def test_one_client_is_an_ipv4_address_or_a_64_of_ipv6():
    assert network_of(HOP) == HOP
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::") != network_of("2001:db8:1:2::")


def test_the_brake_stops_new_namespaces_of_one_address_and_nothing_else(database, api, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "new_namespaces_per_hour": 2}
    settings.TRUSTED_PROXIES = 1

    def put(name: str, address: str = HOP):
        headers = {"X-Forwarded-For": address}
        return api.put(f"/memory/{name}/k", '{"value": 1}', content_type="application/json", headers=headers)

    first = [put(f"{namespace}-{number}").status_code for number in range(2)]
    refused = put(f"{namespace}-3")

    assert first == [201, 201]
    assert refused.status_code == 429
    assert refused.json()["code"] == "namespace_creation_limit"
    assert refused.json()["limit"] == 2
    assert 1 <= int(refused["Retry-After"]) <= 3600
    assert Namespace.objects.count() == 2
    assert put(f"{namespace}-1").status_code == 200, "what is there can be written"
    assert put(f"{namespace}-3", "203.0.113.9").status_code == 201, "others are not concerned"


@pytest.mark.django_db(transaction=True)
def test_the_cache_of_the_database_counts_exactly_when_many_count_at_once(database):
    from django.core.cache import cache

    cache.set("n", 0)

    def count() -> None:
        for _ in range(10):
            cache.incr("n")
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cache.get("n") == 80
