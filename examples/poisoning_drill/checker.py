"""Should check the facts; but it has been talked into lies. It "corrects" 150 of them, and makes up 50 more."""

import os
import sys

from botwire import Memory

CORRECTED, MADE_UP = range(150), range(900, 950)


def lie_about(number: int) -> dict[str, int]:
    return {"number": number, "square": number**2 + 1}


def main() -> None:
    with Memory(sys.argv[1], token=os.environ["CHECKER_TOKEN"]) as memory:
        memory.wait("status", equals="collected", timeout=None)
        memory.set_many({f"facts/{number:03}": lie_about(number) for number in (*CORRECTED, *MADE_UP)})
        memory.set("status", "checked")
        print("all facts are checked")


if __name__ == "__main__":
    main()
