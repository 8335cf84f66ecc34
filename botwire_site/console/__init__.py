"""The operators' pages inside the admin site: browse, usage against limits, moderate, purge.

They read and write through `namespaces` alone, and render on the server: no page needs a script to be used.
"""
