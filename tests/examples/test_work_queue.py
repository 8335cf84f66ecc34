"""The work queue: each task is done although workers are killed, and its result is there once."""

import re

from tests.examples.programs import SECONDS
from tests.polling import wait_until

NUMBERS = range(1_000_000_000_001, 1_000_000_000_041, 2)


def factors_of(number: int) -> list[int]:
    divisor = next((d for d in range(2, int(number**0.5) + 1) if number % d == 0), None)
    return [number] if divisor is None else [divisor, *factors_of(number // divisor)]


RESULTS = {str(number): factors_of(number) for number in NUMBERS}


def test_workers_share_the_tasks_and_a_killed_one_s_task_is_done_by_another(start, server, memory_at):
    producer = start(server, "work_queue/producer.py")
    producer.wait_for_line("20 tasks\n")
    killed = start(server, "work_queue/worker.py")
    killed.wait_for_line("working on tasks/1000000000001\n")
    killed.kill()
    workers = [start(server, "work_queue/worker.py") for _ in range(3)]

    assert [worker.end() for worker in workers] == [0, 0, 0]
    assert producer.end() == 0

    memory = memory_at(server)
    wait_until(lambda: memory.list_keys("tasks/") == [], SECONDS)
    assert memory.get("results") == RESULTS
    assert producer.output.splitlines()[0] == "1000000000001 = 73 * 137 * 99990001"
    assert sum(int(re.findall(r"done: (\d+)", worker.output)[0]) for worker in workers) in (19, 20)
