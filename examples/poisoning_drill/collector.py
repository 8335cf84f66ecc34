"""Collects facts: the squares of some numbers, each under a key of its own."""

import os
import sys

from botwire import Memory

NUMBERS = range(250)


def main() -> None:
    with Memory(sys.argv[1], token=os.environ["COLLECTOR_TOKEN"]) as memory:
        memory.set_many({f"facts/{number:03}": {"number": number, "square": number**2} for number in NUMBERS})
        memory.set("status", "collected")
        print(len(NUMBERS), "facts")


if __name__ == "__main__":
    main()
