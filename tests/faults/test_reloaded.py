"""`kill -HUP` of `manage.py serve`: new processes take over, and no request fails for it."""

import signal

from tests.faults.load import Load, assert_kept
from tests.faults.processes import background_worker, web_workers
from tests.polling import wait_until
from tests.promises.books import books_of

RELOADS = 3


def reload(server) -> None:
    """HUP, and return once every process that was there before is gone and as many others are there."""
    old = {*web_workers(server), background_worker(server)}
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not old & {*web_workers(server), background_worker(server)} and background_worker(server), 90)
    assert len(web_workers(server)) == len(old) - 1


def test_three_reloads_under_load_fail_no_request(sturdy, namespace):
    with Load(sturdy.url, namespace) as load:
        for _ in range(RELOADS):
            load.wait_for(50)
            reload(sturdy)
        load.wait_for(50)

    assert {one.status for one in load.told} == {200, 201}, load.outcomes()
    assert_kept(books_of(sturdy, namespace), load.told)
