"""LangChain's own suites for stores and caches, called and awaited."""

import pytest
from langchain_tests.integration_tests import (
    AsyncCacheTestSuite,
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    SyncCacheTestSuite,
)

from botwire.langchain import BotWireByteStore, BotWireCache, BotWireKVStore


class TestByteStore(BaseStoreSyncTests[bytes]):
    @pytest.fixture
    def kv_store(self, server, namespace):
        return BotWireByteStore(namespace, base_url=server.url)

    @pytest.fixture
    def three_values(self):
        return b"foo", b"\x00\xff", b""


class TestByteStoreAwaited(BaseStoreAsyncTests[bytes]):
    @pytest.fixture
    async def kv_store(self, server, namespace):
        return BotWireByteStore(namespace, base_url=server.url)

    @pytest.fixture
    def three_values(self):
        return b"foo", b"\x00\xff", b""


class TestKVStore(BaseStoreSyncTests[object]):
    @pytest.fixture
    def kv_store(self, server, namespace):
        return BotWireKVStore(namespace, base_url=server.url, prefix="kv/")

    @pytest.fixture
    def three_values(self):
        return {"a": [1, None]}, "text", 2.5


class TestKVStoreAwaited(BaseStoreAsyncTests[object]):
    @pytest.fixture
    async def kv_store(self, server, namespace):
        return BotWireKVStore(namespace, base_url=server.url, prefix="kv/")

    @pytest.fixture
    def three_values(self):
        return {"a": [1, None]}, "text", 2.5


class TestCache(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self, server, namespace):
        return BotWireCache(namespace, base_url=server.url)


class TestCacheAwaited(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self, server, namespace):
        return BotWireCache(namespace, base_url=server.url)
