"""The operators' pages by address, below /admin/."""

from botwire_site.console import browse, key, live, log, moderate, namespace, namespaces, overview, purge, trust

PAGES = [
    *overview.PAGES,
    *namespaces.PAGES,
    *namespace.PAGES,
    *browse.PAGES,
    *key.PAGES,
    *live.PAGES,
    *trust.PAGES,
    *moderate.PAGES,
    *purge.PAGES,
    *log.PAGES,
]
