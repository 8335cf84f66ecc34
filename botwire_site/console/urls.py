"""The operators' pages by address, below /admin/."""

from botwire_site.console import browse, key, live, log, moderate, namespace, namespaces, overview, purge

PAGES = [
    *overview.PAGES,
    *namespaces.PAGES,
    *namespace.PAGES,
    *browse.PAGES,
    *key.PAGES,
    *live.PAGES,
    *moderate.PAGES,
    *purge.PAGES,
    *log.PAGES,
]
