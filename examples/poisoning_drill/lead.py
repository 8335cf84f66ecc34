"""Looks at the results, finds a lie and who told it, takes back what that one wrote, and what was made of it."""

import os
import sys

from botwire import Entry, Memory


def find_lie(memory: Memory) -> Entry:
    """A fact that is wrong. The lead looks at a few only: one is enough to see whose work cannot be trusted."""
    for number in range(0, 250, 25):
        fact = memory.get_entry(f"facts/{number:03}")
        if fact.value["square"] != number**2:
            return fact
    raise SystemExit("every fact that was looked at is right")


def take_back(memory: Memory, lie: Entry) -> None:
    """Hide the liar's work at once, then take it back, and delete what others have made of it."""
    liar = lie.writer
    memory.quarantine(liar, f"{lie.key} is {lie.value}")
    lies = {(change.key, change.revision) for change in memory.changes(0, "facts/", writer=liar).changes}
    print(len(lies), "keys were written by", liar.name)

    would_be = memory.rollback(writer=liar, dry_run=True)
    print("would restore", would_be.restored, "keys, delete", would_be.deleted, "and keep", would_be.kept)
    done = memory.rollback(writer=liar)
    print("restored", done.restored, "deleted", done.deleted, "kept", [left.key for left in done.left])

    made_of_lies = [key for key, made in memory.items("sums/") if lies & set(made["made_of"].items())]
    print(memory.delete_many(made_of_lies), "sums were made of them")


def main() -> None:
    with Memory(sys.argv[1], token=os.environ["LEAD_TOKEN"]) as memory:
        memory.wait("status", equals="analysed", timeout=None)
        take_back(memory, find_lie(memory))
        memory.set("status", "cleaned")
        memory.wait("status", equals="done", timeout=None)
        print("the sum of all squares is", sum(made["sum"] for _, made in memory.items("sums/")))


if __name__ == "__main__":
    main()
