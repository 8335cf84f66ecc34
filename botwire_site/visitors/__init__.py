"""The pages for whoever has no account: what BotWire is, its documents, and the page of a namespace.

They go through `namespaces` alone, for a visitor who is judged like a caller of the API, by the same functions.
"""
