"""The whole client against a plain dict: whatever is done to both, both say the same."""

import secrets

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

from botwire import KeyNotFoundError, Memory, PreconditionFailedError
from tests.client.samples import HOSTILE_KEYS, KEYS, VALUES, exactly

PREFIXES = st.sampled_from(["", "a", "a/", "%", "é", "e", "\U0010ffff", "no such prefix"]) | st.sampled_from(
    HOSTILE_KEYS
)


class MemoryMachine(RuleBasedStateMachine):
    """`expected` maps each key to (value, version); `revision` is the greatest version seen."""

    url: str

    @initialize()
    def begin(self):
        self.memory = Memory(f"model-{secrets.token_hex(8)}", base_url=self.url)
        self.expected: dict[str, tuple[object, int]] = {}
        self.revision = 0

    def teardown(self):
        self.memory.close()

    def wrote(self, key: str, value: object, result) -> None:
        assert result.created == (key not in self.expected)
        assert result.version > self.revision
        self.revision = result.version
        self.expected[key] = (value, result.version)

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

    @rule(value=st.sampled_from([(1,), {1}, b"", float("nan"), "\ud800"]))
    def refuse_what_is_no_json(self, value):
        with pytest.raises(TypeError):
            self.memory.set("plain", value)

    @invariant()
    def all_keys_are_there(self):
        assert [*self.memory] == self.matching("")


def test_the_client_behaves_like_a_dict(server):
    class Machine(MemoryMachine):
        url = server.url

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
