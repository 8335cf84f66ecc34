"""Takes tasks one after the other, as long as there are any; run as many of these as you like, and kill any of them.

A task of a worker that dies is taken by another one when the dead one's lease is over. Its result is kept under the
task's number, so that doing a task twice gives one result.
"""

import sys
import time

from botwire import LeaseLostError, Memory

LEASE_SECONDS = 3
SECONDS_WITHOUT_WORK = 5


def factors_of(number: int) -> list[int]:
    found, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found


def work(memory: Memory) -> int:
    done = 0
    while task := memory.claim("tasks/", ttl=LEASE_SECONDS, timeout=SECONDS_WITHOUT_WORK):
        print("working on", task.key, flush=True)
        try:
            with task:
                memory.merge("results", {str(task.value): factors_of(task.value)}, initial={}, lease=task.lease)
                time.sleep(0.2)  # work that takes longer
        except LeaseLostError:
            continue  # we were too slow, or stopped: another worker has it
        done += 1
    return done


def main() -> None:
    with Memory(sys.argv[1], agent="worker") as memory:
        print("done:", work(memory))


if __name__ == "__main__":
    main()
