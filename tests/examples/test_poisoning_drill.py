"""The poisoning drill: one of four agents lies to 200 keys; they are taken back, and the rest of the work stands."""

from collections import Counter

DRILL = [f"poisoning_drill/{name}.py" for name in ("collector", "checker", "analyst", "lead")]
NUMBERS = range(250)
FACTS = {f"facts/{number:03}": {"number": number, "square": number**2} for number in NUMBERS}
SUMS = {f"sums/{block:02}": sum(number**2 for number in range(block * 10, block * 10 + 10)) for block in range(25)}
LIED_ABOUT = {f"facts/{number:03}" for number in range(150)}
MADE_OF_LIES = {f"sums/{block:02}" for block in range(15)}


def test_the_lies_are_found_and_taken_back_and_the_rest_of_the_work_stands(server, start, memory_at):
    memory = memory_at(server)
    crew = [start(server, path) for path in DRILL]

    exits = [program.end() for program in crew]

    assert exits == [0] * 4
    assert dict(memory.items("facts/")) == FACTS
    assert {key: made["sum"] for key, made in memory.items("sums/")} == SUMS
    assert crew[-1].output.splitlines() == [
        "200 keys were written by checker",
        "would restore 150 keys, delete 50 and keep 1",
        "restored 150 deleted 50 kept ['status']",
        "20 sums were made of them",
        f"the sum of all squares is {sum(number**2 for number in NUMBERS)}",
    ]
    writers = {entry.key: entry.writer.name for entry in map(memory.get_entry, [*FACTS, *SUMS])}
    assert {key for key, name in writers.items() if name == "lead"} == LIED_ABOUT
    assert {writers[key] for key in FACTS.keys() - LIED_ABOUT} == {"collector"}
    times = Counter(change.key for change in memory.changes(0, "sums/").changes)
    assert {key for key, number in times.items() if number == 1} == SUMS.keys() - MADE_OF_LIES


def test_what_was_lied_is_still_told_by_the_log_but_read_by_nobody(server, start, memory_at):
    memory = memory_at(server)
    for program in [start(server, path) for path in DRILL]:
        assert program.end() == 0

    versions = list(memory.history("facts/007", values=True))

    assert [(version.writer.name, version.value) for version in versions] == [
        ("lead", {"number": 7, "square": 49}),
        ("checker", None),
        ("collector", {"number": 7, "square": 49}),
    ]
    [hidden] = memory.quarantined()
    assert (hidden.writer.name, hidden.by.name) == ("checker", "lead")
    assert memory.release("checker")
    assert memory.get("facts/007", version=versions[1].version) == {"number": 7, "square": 50}
