"""The operators' pages by address, below /admin/."""

from botwire_site.console import browse, key, live, overview

PAGES = [*overview.PAGES, *browse.PAGES, *key.PAGES, *live.PAGES]
