"""The research team: an analyst that waits for a collector, both of which remember after a crash."""

from tests.examples.programs import SECONDS
from tests.polling import wait_until

COLLECTOR, ANALYST = "research_team/collector.py", "research_team/analyst.py"
KEYS = ["collector_status", *(f"primes:{first:06}" for first in range(0, 500_000, 10_000)), "report"]
PRIMES_UP_TO_500_000 = 41_538
REPORT = {"up_to": 500_000, "primes": PRIMES_UP_TO_500_000, "estimate": 38_103, "error": -0.0827}


def test_the_team_goes_on_after_kill_9_of_the_whole_server(server_to_kill, start, memory_at):
    memory = memory_at(server_to_kill)
    analyst, collector = start(server_to_kill, ANALYST), start(server_to_kill, COLLECTOR)
    wait_until(lambda: len(memory.list_keys("primes:")) >= 5, SECONDS)
    remembered = dict(memory.items())
    server_to_kill.kill()
    stranded = [analyst.end(), collector.end()]

    server_to_kill.start()
    found = dict(memory.items())
    team = [start(server_to_kill, ANALYST), start(server_to_kill, COLLECTOR)]
    exits = [program.end() for program in team]

    assert 0 not in stranded
    assert all("BotWireConnectionError" in program.output for program in (analyst, collector))
    assert remembered.items() <= found.items()
    assert found["collector_status"] == "collecting"
    assert "report" not in found
    assert exits == [0, 0]
    assert f"{len(found) - 1} of 50 blocks are there already\n" in team[1].output
    assert memory.list_keys() == KEYS
    assert memory.get("collector_status") == "data_collection_complete"
    assert sum(dict(memory.items("primes:")).values()) == PRIMES_UP_TO_500_000
    assert memory.get("report") == REPORT
    assert memory.usage().revision == len(KEYS) + 1  # the status is set twice, nothing else


def test_the_analyst_waits_until_the_data_are_complete(server, start, memory_at):
    memory = memory_at(server)
    memory.set("collector_status", "collecting")
    memory.set("primes:000000", 1_229)
    analyst = start(server, ANALYST)
    analyst.wait_for_line("waiting for the collector\n")

    assert memory.get("report") is None
    memory.set("collector_status", "data_collection_complete")

    assert analyst.end() == 0
    assert memory.get("report") == {"up_to": 10_000, "primes": 1_229, "estimate": 1_086, "error": -0.1164}
