"""LangGraph: long-term memory and checkpoints that outlive the process and are shared by all that name them.

    graph = builder.compile(checkpointer=BotWireSaver("my-agents"), store=BotWireStore("my-agents"))

Both can have the same memory; neither sees the other's entries.
"""

from botwire._langgraph_saver import BotWireSaver
from botwire._langgraph_store import BotWireStore

__all__ = ["BotWireSaver", "BotWireStore"]
