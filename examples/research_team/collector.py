"""The collector: counts the primes in each block of numbers, and tells the team when all blocks are done."""

import sys
from math import isqrt

from botwire import Memory

BLOCKS = 50
BLOCK = 10_000


def is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, isqrt(number) + 1))


with Memory(sys.argv[1] if sys.argv[1:] else "research-team", agent="collector") as memory:
    if memory.get("collector_status") is None:
        memory.set("collector_status", "collecting")
    done = set(memory.list_keys("primes:"))
    if done:
        print(f"{len(done)} of {BLOCKS} blocks are there already")
    for first in range(0, BLOCKS * BLOCK, BLOCK):
        key = f"primes:{first:06}"
        if key not in done:
            count = sum(map(is_prime, range(first, first + BLOCK)))
            memory.set(key, count)
            print(f"{count} primes from {first} on")
    memory.set("collector_status", "data_collection_complete")
    print("data collection complete")
