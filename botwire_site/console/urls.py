"""The operators' pages by address, below /admin/."""

from botwire_site.console import overview

PAGES = [*overview.PAGES]
