"""What can be measured, in the order in which it is: each part has a name, a sentence, its steps, and `measure`."""

from types import ModuleType

from benchmarks.parts import client, growth, lists, memory, speed, startup

PARTS: dict[str, ModuleType] = {part.NAME: part for part in (speed, lists, growth, client, startup, memory)}
