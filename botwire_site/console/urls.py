"""The operators' pages by address, below /admin/."""

from botwire_site.console import browse, key, live, log, moderate, overview, purge

PAGES = [
    *overview.PAGES,
    *browse.PAGES,
    *key.PAGES,
    *live.PAGES,
    *moderate.PAGES,
    *purge.PAGES,
    *log.PAGES,
]
