"""The trader: trades on the signals, within the limits, and keeps the portfolio.

The portfolio changes by compare-and-set, and tells up to which day it has been traded. So a trader that crashed can be
started again, and two of them can run side by side: every day is traded exactly once.
"""

import sys
import time

from botwire import Memory, PreconditionFailedError

DAYS = 12
CASH = 100_000.0


def traded(portfolio: dict, day: int, signals: dict, limits: dict) -> dict:
    """The portfolio after a day: as much as the limit allows of what is a buy, nothing of what is a sell."""
    cash, shares = portfolio["cash"], dict(portfolio["shares"])
    for ticker, today in sorted(signals.items(), key=lambda item: item[1]["action"] == "buy"):  # selling comes first
        held = shares.get(ticker, 0)
        wanted = limits[ticker] if today["action"] == "buy" else 0
        bought = min(wanted - held, int(cash / today["price"]))
        shares[ticker] = held + bought
        cash = round(cash - bought * today["price"], 2)
    return {"day": day, "cash": cash, "shares": shares}


def trade(memory: Memory, day: int, signals: dict, limits: dict) -> None:
    while True:
        entry = memory.get_entry("portfolio")
        if entry.value["day"] >= day:
            print(f"day {day:2}: traded already")
            return
        portfolio = traded(entry.value, day, signals, limits)
        try:
            memory.set("portfolio", portfolio, if_version=entry.version)
        except PreconditionFailedError:  # another trader was faster: look again
            continue
        print(f"day {day:2}: {portfolio['shares']}, {portfolio['cash']:.2f} in cash")
        return


with Memory(sys.argv[1] if sys.argv[1:] else "trading-desk", agent="trader") as memory:
    try:
        memory.set("portfolio", {"day": 0, "cash": CASH, "shares": {}}, if_absent=True)
    except PreconditionFailedError:
        print(f"the portfolio is remembered: traded up to day {memory.get('portfolio')['day']}")
    for day in range(1, DAYS + 1):
        while (limits := memory.get(f"limits:{day:02}")) is None:
            time.sleep(0.1)
        trade(memory, day, memory.get(f"signals:{day:02}"), limits)
