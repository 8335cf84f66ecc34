"""The whole client, Memory and AsyncMemory, against a plain dict: whatever is done to both, both say the same."""

import asyncio
import inspect
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from botwire import (
    AsyncMemory,
    KeyNotFoundError,
    Memory,
    PreconditionFailedError,
    TargetMissingError,
    WrongTypeError,
)
from tests.client.samples import HOSTILE_KEYS, KEYS, VALUES, exactly

PREFIXES = st.sampled_from(["", "a", "a/", "%", "é", "e", "\U0010ffff", "no such prefix"]) | st.sampled_from(
    HOSTILE_KEYS
)


NUMBERS = st.integers() | st.floats(-1e6, 1e6, allow_nan=False)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "é", ""]), VALUES, max_size=3)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=5)
KEY_LISTS = st.lists(KEYS, max_size=5, unique=True)


class Blocking:
    """An AsyncMemory that is called like a Memory; its loop runs in a thread."""

    def __init__(self, namespace: str, *, base_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._memory = AsyncMemory(namespace, base_url=base_url)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: self._wait_for(getattr(self._memory, name)(*arguments, **options))

    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: str) -> bool:
        return self.exists(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._wait_for(aiter(self._memory)))

    def read_and_write(self, read: str, written: str, value: Any) -> list[Any]:
        async def work() -> list[Any]:
            async with self._memory.transaction() as t:
                await t.get(read)
                t.set(written, value)
            return t.results

        return self._wait_for(work())

    def close(self) -> None:
        self._wait_for(self._memory.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, awaited: Any) -> Any:
        async def collected() -> Any:
            return [item async for item in awaited] if hasattr(awaited, "__aiter__") else await awaited

        return asyncio.run_coroutine_threadsafe(collected(), self._loop).result(60)


class Plain(Memory):
    """A Memory with the same transaction."""

    def read_and_write(self, read: str, written: str, value: Any) -> list[Any]:
        with self.transaction() as t:
            t.get(read)
            t.set(written, value)
        return t.results


class MemoryMachine(RuleBasedStateMachine):
    """`expected` maps each key to (value, version); `revision` is the greatest version seen."""

    url: str
    kind: type = Plain

    @initialize()
    def begin(self):
        self.memory = self.kind(f"model-{secrets.token_hex(8)}", base_url=self.url)
        self.expected: dict[str, tuple[object, int]] = {}
        self.revision = 0

    def teardown(self):
        self.memory.close()

    def wrote(self, key: str, value: object, result) -> None:
        assert result.created == (key not in self.expected)
        assert result.version > self.revision
        self.revision = result.version
        self.expected[key] = (value, result.version)

    def changed(self, key: str, value: object) -> None:
        """Somebody changed `key`, by one write."""
        entry = self.memory.get_entry(key)
        assert exactly(entry.value) == exactly(value)
        assert entry.version > self.revision
        self.revision = entry.version
        self.expected[key] = (value, entry.version)

    def there(self, key: str) -> Any:
        return self.expected[key][0] if key in self.expected else None

    def version(self, key: str) -> int | None:
        return self.expected[key][1] if key in self.expected else None

    def matching(self, prefix: str) -> list[str]:
        return sorted((key for key in self.expected if key.startswith(prefix)), key=str.encode)

    @rule(key=KEYS, value=VALUES)
    def set(self, key, value):
        self.wrote(key, value, self.memory.set(key, value))

    @rule(key=KEYS, value=VALUES)
    def set_item_with_ttl(self, key, value):
        self.wrote(key, value, self.memory.set(key, value, ttl=86_400))

    @rule(key=KEYS, value=VALUES)
    def set_if_absent(self, key, value):
        if key not in self.expected:
            self.wrote(key, value, self.memory.set(key, value, if_absent=True))
            return
        with pytest.raises(PreconditionFailedError) as caught:
            self.memory.set(key, value, if_absent=True)
        assert caught.value.current_version == self.version(key)

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), value=VALUES)
    def set_over_the_right_version(self, data, value):
        key = data.draw(st.sampled_from(sorted(self.expected)))

        self.wrote(key, value, self.memory.set(key, value, if_version=self.version(key)))

    @rule(key=KEYS, value=VALUES, offset=st.sampled_from([-1, 1, 10**12]))
    def set_over_a_wrong_version(self, key, value, offset):
        wrong = max(0, (self.version(key) or 0) + offset)

        with pytest.raises(PreconditionFailedError) as caught:
            self.memory.set(key, value, if_version=wrong)

        assert caught.value.current_version == self.version(key)

    @rule(key=KEYS)
    def delete(self, key):
        assert self.memory.delete(key) == (key in self.expected)
        self.expected.pop(key, None)

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), offset=st.sampled_from([0, 1]))
    def delete_a_version(self, data, offset):
        key = data.draw(st.sampled_from(sorted(self.expected)))
        if offset:
            with pytest.raises(PreconditionFailedError):
                self.memory.delete(key, if_version=self.version(key) + offset)
            return
        assert self.memory.delete(key, if_version=self.version(key)) is True
        del self.expected[key]

    @rule(key=KEYS)
    def delete_item(self, key):
        if key in self.expected:
            del self.memory[key]
            del self.expected[key]
            return
        with pytest.raises(KeyError):
            del self.memory[key]

    @rule(key=KEYS)
    def get(self, key):
        value, version = self.expected.get(key, ("default", None))

        assert exactly(self.memory.get(key, "default")) == exactly(value)
        if version is None:
            with pytest.raises(KeyNotFoundError):
                self.memory.get_entry(key)
        else:
            assert self.memory.get_entry(key).version == version

    @rule(key=KEYS)
    def exists(self, key):
        assert self.memory.exists(key) == (key in self.memory) == (key in self.expected)

    @rule(prefix=PREFIXES)
    def list_keys(self, prefix):
        assert self.memory.list_keys(prefix) == self.matching(prefix)

    @rule(prefix=PREFIXES)
    def items(self, prefix):
        items = [(key, exactly(value)) for key, value in self.memory.items(prefix)]

        assert items == [(key, exactly(self.expected[key][0])) for key in self.matching(prefix)]

    @rule(prefix=PREFIXES)
    def clear(self, prefix):
        gone = self.matching(prefix)

        assert self.memory.clear(prefix) == len(gone)

        for key in gone:
            del self.expected[key]

    @rule(key=KEYS, value=VALUES, most=st.none() | st.integers(1, 3))
    def append(self, key, value, most):
        if key in self.expected and not isinstance(self.there(key), list):
            with pytest.raises(WrongTypeError):
                self.memory.append(key, value, max_length=most)
            return
        values = [*(self.there(key) or []), value][-(most or 1_000) :]
        assert self.memory.append(key, value, max_length=most) == len(values)
        self.changed(key, values)

    @rule(key=KEYS, count=st.integers(1, 3), first=st.booleans())
    def pop(self, key, count, first):
        values = self.there(key)
        if key in self.expected and not isinstance(values, list):
            with pytest.raises(WrongTypeError):
                self.memory.pop(key, first=first)
            return
        if not values:
            assert self.memory.pop(key, "default", first=first) == "default"
            assert self.memory.pop_many(key, count, first=first) == []
            return
        taken, rest = (values[:count], values[count:]) if first else (values[-count:], values[:-count])
        assert exactly(self.memory.pop_many(key, count, first=first)) == exactly(taken)
        self.changed(key, rest)

    @rule(key=KEYS, by=NUMBERS)
    def increment(self, key, by):
        number = self.expected.get(key, (0, None))[0]
        if isinstance(number, bool) or not isinstance(number, int | float):
            with pytest.raises(WrongTypeError):
                self.memory.increment(key, by)
            return
        if abs(number) > 1e300:
            return
        assert exactly(self.memory.increment(key, by)) == exactly(number + by)
        self.changed(key, number + by)

    @rule(key=KEYS, patch=OBJECTS, is_made=st.booleans())
    def merge(self, key, patch, is_made):
        initial = {"initial": {}} if is_made else {}
        if key not in self.expected and not is_made:
            with pytest.raises(TargetMissingError):
                self.memory.merge(key, patch)
            return
        if key in self.expected and not isinstance(self.there(key), dict):
            with pytest.raises(WrongTypeError):
                self.memory.merge(key, patch, **initial)
            return
        merged = merge_patch(self.there(key) or {}, patch)
        assert same(self.memory.merge(key, patch, **initial), merged)
        self.changed(key, self.memory.get(key))

    @rule(key=KEYS, value=VALUES)
    def update(self, key, value):
        assert exactly(self.memory.update(key, lambda there: [there, value])) == exactly([self.there(key), value])
        self.changed(key, [self.there(key), value])

    @rule(mapping=MAPPINGS)
    def set_many(self, mapping):
        self.memory.set_many(mapping)

        for key, value in mapping.items():
            self.changed(key, value)

    @rule(keys=KEY_LISTS)
    def get_many(self, keys):
        found = self.memory.get_many(keys)

        assert {key: exactly(value) for key, value in found.items()} == {
            key: exactly(self.there(key)) for key in keys if key in self.expected
        }

    @rule(keys=KEY_LISTS)
    def delete_many(self, keys):
        assert self.memory.delete_many(keys) == len(set(keys) & set(self.expected))

        for key in keys:
            self.expected.pop(key, None)

    @rule(read=KEYS, written=KEYS, value=VALUES)
    def transaction(self, read, written, value):
        [version] = self.memory.read_and_write(read, written, value)

        self.changed(written, value)
        assert version == self.version(written)

    @rule(key=KEYS)
    def wait(self, key):
        if key in self.expected:
            assert exactly(self.memory.wait(key, timeout=0)) == exactly(self.there(key))
            assert exactly(self.memory.wait(key, after=self.version(key) - 1, timeout=0)) == exactly(self.there(key))
            return
        with pytest.raises(TimeoutError):
            self.memory.wait(key, timeout=0)

    @rule(value=st.sampled_from([(1,), {1}, b"", float("nan"), "\ud800"]))
    def refuse_what_is_no_json(self, value):
        with pytest.raises(TypeError):
            self.memory.set("plain", value)

    @invariant()
    def all_keys_are_there(self):
        assert [*self.memory] == self.matching("")


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def same(one: Any, other: Any) -> bool:
    """The same JSON, but for the order of members."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return exactly(one) == exactly(other)


def test_the_machine_has_a_rule_for_every_verb():
    source = inspect.getsource(MemoryMachine)
    verbs = {name for name in vars(AsyncMemory) if not name.startswith("_")}
    elsewhere = {"namespace", "close", "aclose", "usage", "keys", "list", "patch", "pop", "watch", "changes", "lock",
                 "claim", "transaction", "create", "claim_namespace", "claim_code", "token", "tokens", "share",
                 "revoke", "rotate", "history", "restore", "rollback", "rollback_progress", "cancel_rollback",
                 "quarantine", "quarantined", "release", "export", "import_"}  # fmt: skip

    assert {verb for verb in verbs - elsewhere if f"self.memory.{verb}(" not in source} == set()


@pytest.mark.parametrize("client", [Plain, Blocking], ids=["Memory", "AsyncMemory"])
def test_the_client_behaves_like_a_dict(client, server):
    class Machine(MemoryMachine):
        url = server.url
        kind = client

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
