"""The quant: turns each day's closing prices into signals for the desk."""

import math
import random
import sys
import time
from itertools import pairwise
from statistics import mean, stdev

from botwire import Memory

TICKERS = ("AAPL", "MSFT", "NVDA", "TSLA")
DAYS = 12
HISTORY = 20  # days of prices before the first one


def closing_prices(ticker: str) -> list[float]:
    """A simulated market, the same on every run: a geometric random walk that starts at 100."""
    chance = random.Random(ticker)  # noqa: S311 - nothing secret
    steps = [chance.gauss(0.0005, 0.02) for _ in range(HISTORY + DAYS)]
    return [round(100 * math.exp(sum(steps[: day + 1])), 2) for day in range(len(steps))]


def signal_of(closes: list[float]) -> dict:
    """Buy while the average of the last week is above that of the last four, sell while it is below."""
    returns = [math.log(later / earlier) for earlier, later in pairwise(closes)]
    return {
        "action": "buy" if mean(closes[-5:]) > mean(closes[-20:]) else "sell",
        "price": closes[-1],
        "volatility": round(stdev(returns), 4),
    }


with Memory(sys.argv[1] if sys.argv[1:] else "trading-desk", agent="quant") as memory:
    for day in range(1, DAYS + 1):
        key = f"signals:{day:02}"
        if key in memory:
            print(f"day {day:2}: my signals are there already")
            continue
        signals = {ticker: signal_of(closing_prices(ticker)[day : HISTORY + day]) for ticker in TICKERS}
        memory.set(key, signals)
        print(f"day {day:2}:", ", ".join(f"{today['action']} {ticker}" for ticker, today in signals.items()))
        time.sleep(0.2)  # until the next day's close
