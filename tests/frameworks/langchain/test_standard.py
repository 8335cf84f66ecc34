"""LangChain's own suites for stores and caches, called and awaited."""

import pytest
from langchain_tests.integration_tests import (
    AsyncCacheTestSuite,
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    SyncCacheTestSuite,
)

from botwire.langchain import BotWireByteStore, BotWireCache, BotWireKVStore


class OfBytes:
    @pytest.fixture
    def kv_store(self, server, namespace):
        return BotWireByteStore(namespace, base_url=server.url)

    @pytest.fixture
    def three_values(self):
        return b"foo", b"\x00\xff", b""


class OfJSON:
    @pytest.fixture
    def kv_store(self, server, namespace):
        return BotWireKVStore(namespace, base_url=server.url, prefix="kv/")

    @pytest.fixture
    def three_values(self):
        return {"a": [1, None]}, "text", 2.5


class OfAnswers:
    @pytest.fixture
    def cache(self, server, namespace):
        return BotWireCache(namespace, base_url=server.url)


class TestByteStore(OfBytes, BaseStoreSyncTests[bytes]):
    pass


class TestByteStoreAwaited(OfBytes, BaseStoreAsyncTests[bytes]):
    pass


class TestKVStore(OfJSON, BaseStoreSyncTests[object]):
    pass


class TestKVStoreAwaited(OfJSON, BaseStoreAsyncTests[object]):
    pass


class TestCache(OfAnswers, SyncCacheTestSuite):
    pass


class TestCacheAwaited(OfAnswers, AsyncCacheTestSuite):
    pass
