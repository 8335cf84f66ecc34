"""A cache in the database that counts exactly: what django-ratelimit needs where there is no Redis."""

from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router, transaction


class CountingDatabaseCache(DatabaseCache):
    """Django's database cache with `incr` under a lock: Django's own reads, then writes, and so loses counts."""

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        alias = router.db_for_write(self.cache_model_class) or "default"
        with transaction.atomic(using=alias):
            self._lock(alias, self.make_and_validate_key(key, version=version))
            return super().incr(key, delta, version)

    def _lock(self, alias: str, key: str) -> None:
        connection = connections[alias]
        if connection.features.has_select_for_update:  # SQLite holds its write lock from the transaction's beginning
            table = connection.ops.quote_name(self.cache_model_class._meta.db_table)
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {table} WHERE cache_key = %s FOR UPDATE", [key])  # noqa: S608 - our table
