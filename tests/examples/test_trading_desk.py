"""The trading desk: quant, risk manager and trader in processes of their own, which remember after a crash."""

from tests.examples.programs import SECONDS
from tests.polling import wait_until

DESK = ("trading_desk/quant.py", "trading_desk/risk.py", "trading_desk/trader.py")
DAYS = range(1, 13)
PORTFOLIO = {"day": 12, "cash": 46697.57, "shares": {"AAPL": 229, "MSFT": 0, "NVDA": 276, "TSLA": 0}}
KEYS = [f"limits:{day:02}" for day in DAYS] + ["portfolio"] + [f"signals:{day:02}" for day in DAYS]
WRITES = 1 + 3 * len(DAYS)  # an empty portfolio, then signals, limits and portfolio of each day


def test_the_desk_goes_on_after_kill_9_of_the_whole_server(server_to_kill, start, memory_at):
    memory = memory_at(server_to_kill)
    crew = [start(server_to_kill, path) for path in DESK]
    wait_until(lambda: traded_days(memory) >= 4, SECONDS)
    remembered = dict(memory.items())
    server_to_kill.kill()
    _, _, stranded_trader = [program.end() for program in crew]

    server_to_kill.start()
    found = dict(memory.items())
    again = [start(server_to_kill, path) for path in DESK]
    exits = [program.end() for program in again]

    assert stranded_trader != 0
    assert "BotWireConnectionError" in crew[-1].output
    assert {key: found[key] for key in remembered if key != "portfolio"} == without(remembered, "portfolio")
    assert remembered["portfolio"]["day"] <= found["portfolio"]["day"] < PORTFOLIO["day"]
    assert exits == [0, 0, 0]
    assert f"traded up to day {found['portfolio']['day']}\n" in again[-1].output
    assert memory.list_keys() == KEYS
    assert memory.get("portfolio") == PORTFOLIO
    assert memory.usage().revision == WRITES


def test_two_traders_side_by_side_trade_every_day_once(server, start, memory_at):
    crew = [start(server, path) for path in (*DESK, "trading_desk/trader.py")]

    exits = [program.end() for program in crew]

    assert exits == [0] * 4
    memory = memory_at(server)
    assert memory.get("portfolio") == PORTFOLIO
    assert memory.usage().revision == WRITES
    trades = [line for trader in crew[2:] for line in trader.output.splitlines() if "in cash" in line]
    assert sorted(line.split(":")[0] for line in trades) == [f"day {day:2}" for day in DAYS]


def test_a_trader_that_was_killed_loses_nothing_and_trades_no_day_twice(server, start, memory_at):
    memory = memory_at(server)
    quant, risk, trader = (start(server, path) for path in DESK)
    wait_until(lambda: traded_days(memory) >= 3, SECONDS)
    trader.kill()

    exits = [program.end() for program in (start(server, DESK[-1]), quant, risk)]

    assert exits == [0] * 3
    assert memory.get("portfolio") == PORTFOLIO
    assert memory.usage().revision == WRITES
    assert {memory.get_entry(key).writer.name for key in KEYS} == {"quant", "risk", "trader"}


def traded_days(memory) -> int:
    return memory.get("portfolio", {"day": 0})["day"]


def without(entries, key):
    return {name: value for name, value in entries.items() if name != key}
