"""How fast BotWire is beside its peers: `uv run python -m benchmarks --help`. The service imports nothing of it."""
