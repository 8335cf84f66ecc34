"""The pages for whoever has no account: what BotWire is, its documents, and the page of a namespace.

They read through `namespaces` alone and write nothing; only the playground's script writes, through the API.
"""
