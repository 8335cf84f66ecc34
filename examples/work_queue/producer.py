"""Puts numbers to be factored into the queue, waits until all are done, and prints what came out."""

import sys

from botwire import Memory

NUMBERS = range(1_000_000_000_001, 1_000_000_000_041, 2)


def main() -> None:
    with Memory(sys.argv[1], agent="producer") as memory:
        memory.set_many({f"tasks/{number}": number for number in NUMBERS})
        print(f"{len(NUMBERS)} tasks")
        # Also true at once where this program was killed and started again after the work was done.
        memory.wait("results", until=lambda results: len(results) >= len(NUMBERS), timeout=None)
        for number, factors in sorted(memory.get("results").items()):
            print(number, "=", " * ".join(map(str, factors)))


if __name__ == "__main__":
    main()
