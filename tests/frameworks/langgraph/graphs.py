"""Graphs that tests run, in their own process and in others; no model is asked anything."""

import operator
from typing import Annotated, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedStore, ToolNode, tools_condition
from langgraph.store.base import BaseStore
from langgraph.types import interrupt


class Counting(TypedDict):
    log: Annotated[list[str], operator.add]
    number: int


class Remembering(TypedDict):
    log: Annotated[list[str], DeltaChannel(lambda log, writes: log + [line for write in writes for line in write])]


def counting(saver, **options):
    """Adds a line to its log at each step, and asks a person in between."""

    def first(state: Counting) -> dict:
        return {"log": [f"first {state['number']}"], "number": state["number"] + 1}

    def asks(state: Counting) -> dict:
        return {"log": [f"told {interrupt('How many?')}"]}

    builder = StateGraph(Counting)
    builder.add_node("first", first)
    builder.add_node("asks", asks)
    builder.add_edge(START, "first")
    builder.add_edge("first", "asks")
    builder.add_edge("asks", END)
    return builder.compile(checkpointer=saver, **options)


def remembering(saver):
    """Keeps its log as what was added to it, step by step."""
    builder = StateGraph(Remembering)
    builder.add_node("adds", lambda state: {"log": [f"line {len(state['log'])}"]})
    builder.add_edge(START, "adds")
    builder.add_edge("adds", END)
    return builder.compile(checkpointer=saver)


@tool
def remember(key: str, value: str, store: Annotated[BaseStore, InjectedStore()]) -> str:
    """Remember a value."""
    store.put(("team",), key, {"value": value})
    return "remembered"


@tool
def recall(key: str, store: Annotated[BaseStore, InjectedStore()]) -> str:
    """Recall a value."""
    item = store.get(("team",), key)
    return item.value["value"] if item else "nothing"


def agent(store, *lines):
    """An agent whose model says `lines`: a text, or the name and the arguments of a tool."""
    said = [
        AIMessage(line)
        if isinstance(line, str)
        else AIMessage("", tool_calls=[{"name": line[0], "args": line[1], "id": "1"}])
        for line in lines
    ]
    model = GenericFakeChatModel(messages=iter(said))
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode([remember, recall], handle_tool_errors=True))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(store=store)


def thread(name: str) -> dict:
    return {"configurable": {"thread_id": name}}
