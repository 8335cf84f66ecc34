"""The operators' pages by address, below /admin/."""

from botwire_site.console import namespace, namespaces, overview

PAGES = [*overview.PAGES, *namespaces.PAGES, *namespace.PAGES]
