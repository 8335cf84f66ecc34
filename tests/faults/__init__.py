"""Calm under faults: databases that go away, disks that fill up, processes that die, clients that misbehave."""
