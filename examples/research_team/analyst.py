"""The analyst: waits for the collector, and tests how well x / ln x tells the number of primes up to x."""

import sys
import time
from math import log

from botwire import Memory

BLOCK = 10_000

with Memory(sys.argv[1] if sys.argv[1:] else "research-team", agent="analyst") as memory:
    while memory.get("collector_status") != "data_collection_complete":
        print("waiting for the collector")
        time.sleep(0.5)
    counts = dict(memory.items("primes:"))
    most = len(counts) * BLOCK
    primes = sum(counts.values())
    estimate = round(most / log(most))
    report = {
        "up_to": most,
        "primes": primes,
        "estimate": estimate,
        "error": round((estimate - primes) / primes, 4),
    }
    memory.set("report", report)
    print(f"{primes} primes up to {most}; x / ln x says {estimate}, which is {report['error']:+.2%} off")
