"""The risk manager: says each day how many shares of what the desk may hold."""

import sys
import time

from botwire import Memory

DAYS = 12
RISK = 0.005  # of the desk's equity, that an ordinary day may take on one ticker


def limits_of(portfolio: dict, signals: dict) -> dict:
    """The more a price moves, the fewer shares."""
    held = sum(count * signals[ticker]["price"] for ticker, count in portfolio["shares"].items())
    budget = RISK * (portfolio["cash"] + held)
    return {ticker: int(budget / (today["price"] * today["volatility"])) for ticker, today in signals.items()}


with Memory(sys.argv[1] if sys.argv[1:] else "trading-desk", agent="risk") as memory:
    for day in range(1, DAYS + 1):
        key = f"limits:{day:02}"
        if key in memory:
            print(f"day {day:2}: my limits are there already")
            continue
        while (signals := memory.get(f"signals:{day:02}")) is None:
            time.sleep(0.1)
        while (portfolio := memory.get("portfolio")) is None or portfolio["day"] < day - 1:
            time.sleep(0.1)
        limits = limits_of(portfolio, signals)
        memory.set(key, limits)
        print(f"day {day:2}: at most", *(f"{count} {ticker}" for ticker, count in limits.items()))
