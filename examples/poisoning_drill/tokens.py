"""Makes the team's namespace, private, and prints a token for each of its agents, as a shell takes it."""

import sys

from botwire import Memory

WRITES = {"collector": ["facts/", "status"], "checker": ["facts/", "status"], "analyst": ["sums/", "status"]}


def main() -> None:
    with Memory.create(sys.argv[1], name="lead") as memory:
        print(f"export LEAD_TOKEN={memory.token}")
        for name, prefixes in WRITES.items():
            shared = memory.share(name=name, write=prefixes, read="", ttl=3600)
            print(f"export {name.upper()}_TOKEN={shared.token}")


if __name__ == "__main__":
    main()
