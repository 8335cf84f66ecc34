"""`memory_tools` under the name that crews have always imported it by; it is in `botwire.crewai`."""

from botwire.crewai import memory_tools

__all__ = ["memory_tools"]
