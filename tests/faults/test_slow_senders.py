"""200 connections that send a byte a second: every other request is served. With proxies in front: test_proxies.py."""

import time

import httpx

from tests.faults.conftest import NEEDS_EVENT_LOOP
from tests.faults.load import Load
from tests.faults.slow import DRIP_SECONDS, SlowSenders


@NEEDS_EVENT_LOOP
def test_two_hundred_slow_senders_keep_nobody_else_from_being_served(sturdy, namespace):
    with SlowSenders(sturdy.port), Load(sturdy.url, namespace) as load:
        load.wait_for(100, seconds=15)
        time.sleep(2 * DRIP_SECONDS)
        load.wait_for(50, seconds=15)

    assert {one.status for one in load.told} == {200, 201}, load.outcomes()
    assert httpx.get(f"{sturdy.url}/namespaces/slow").status_code == 404
