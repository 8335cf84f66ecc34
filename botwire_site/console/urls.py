"""The operators' pages by address, below /admin/."""

from botwire_site.console import log, moderate, overview, purge

PAGES = [*overview.PAGES, *moderate.PAGES, *purge.PAGES, *log.PAGES]
