"""Builds on the facts: the sum of ten squares at a time, with the versions of the facts that it is made of.

When some of its sums are gone because they were made of lies, it makes them anew.
"""

import os
import sys
from collections import defaultdict

from botwire import Memory


def make_missing_sums(memory: Memory) -> int:
    blocks = defaultdict(list)
    for key in memory.list_keys("facts/"):
        blocks[key.removeprefix("facts/")[:2]].append(key)
    missing = [block for block in blocks if not memory.exists(f"sums/{block}")]
    for block in missing:
        facts = [memory.get_entry(key) for key in blocks[block]]
        total = sum(fact.value["square"] for fact in facts)
        memory.set(f"sums/{block}", {"sum": total, "made_of": {fact.key: fact.version for fact in facts}})
    return len(missing)


def main() -> None:
    with Memory(sys.argv[1], token=os.environ["ANALYST_TOKEN"]) as memory:
        for before, after in (("checked", "analysed"), ("cleaned", "done")):
            memory.wait("status", equals=before, timeout=None)
            print(make_missing_sums(memory), "sums made")
            memory.set("status", after)


if __name__ == "__main__":
    main()
