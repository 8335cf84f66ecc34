"""Private memories through both clients: create, claim, share, revoke, rotate, and whose word to take."""

import json
import subprocess
import sys
import warnings

import pytest

from botwire import (
    AlreadyClaimedError,
    AsyncMemory,
    ClaimCodeRequiredError,
    InvalidTokenError,
    LastAdminTokenError,
    Memory,
    NamespaceNotFoundError,
    NamespaceOpenError,
    OpenNamespaceWarning,
    TokenNotAllowedError,
    Writer,
    WriterMismatchError,
)
from botwire import _access as access


@pytest.fixture
def lead(server, namespace):
    with Memory.create(namespace, name="lead", base_url=server.url) as memory:
        yield memory


@pytest.fixture
def with_token(server, namespace):
    made = []

    def open_with(token, **options):
        made.append(Memory(namespace, base_url=server.url, token=token, **options))
        return made[-1]

    yield open_with
    for memory in made:
        memory.close()


def test_a_created_memory_is_private_and_has_the_admin_token(lead, server, namespace):
    lead.set("k", 1)

    assert lead.token.startswith("bw_")
    assert lead.usage().access == "private"
    assert lead.get_entry("k").writer == Writer("lead", verified=True)
    with Memory(namespace, base_url=server.url) as stranger:
        assert stranger.get("k") is None
        assert stranger.list() == []
        with pytest.raises(NamespaceNotFoundError):
            stranger.set("k", 2)


def test_no_repr_shows_a_token(lead):
    shared = lead.share(read="")

    assert shared.token not in repr(shared)
    assert lead.token not in repr(lead)
    assert lead.token not in repr(lead._settings)


def test_nobody_creates_what_is_private_or_in_use(lead, server, namespace):
    with Memory(f"{namespace}-open", base_url=server.url) as memory:
        memory.set("k", 1)

    with pytest.raises(AlreadyClaimedError):
        Memory.create(namespace, base_url=server.url)
    with pytest.raises(ClaimCodeRequiredError):
        Memory.create(f"{namespace}-open", base_url=server.url)


def test_whoever_made_a_namespace_claims_it(memory, server, namespace):
    memory.set("k", 1)
    with Memory(namespace, base_url=server.url) as other, pytest.raises(ClaimCodeRequiredError):
        other.claim_namespace()

    shared = memory.claim_namespace(name="tester")

    assert memory.token == shared.token
    assert memory.get("k") == 1
    assert (shared.role, shared.name, shared.shared_by) == ("admin", "tester", None)


def test_the_claim_code_may_be_carried_elsewhere(memory, server, namespace):
    memory.set("k", 1)

    with Memory(namespace, base_url=server.url) as other:
        other.claim_namespace(memory.claim_code)

        assert other.get("k") == 1


def test_a_shared_token_may_do_a_part(lead, with_token):
    shared = lead.share(write="findings/", read=["papers/"], name="scout", ttl=3600)
    scout = with_token(shared.token)

    scout.set("findings/1", "x")

    assert (shared.role, shared.name, shared.read, shared.write) == ("write", "scout", ("papers/",), ("findings/",))
    assert lead.get_entry("findings/1").writer == Writer("scout", verified=True)
    with pytest.raises(TokenNotAllowedError) as caught:
        scout.set("papers/1", "y")
    assert (caught.value.role, caught.value.read, caught.value.write) == ("write", ("papers/",), ("findings/",))
    assert scout.share(write="findings/", name="scout/1").name == "scout/1"


def test_a_token_stands_for_its_writer_alone(lead, with_token):
    shared = lead.share(write="", name="scout")

    with pytest.raises(WriterMismatchError):
        with_token(shared.token, agent="boss").set("k", 1)


def test_tokens_are_listed_and_revoked(lead, with_token):
    shared = lead.share(write="", name="scout")
    scout = with_token(shared.token)
    scout.share(read="")

    assert [token.name for token in lead.tokens()] == ["lead", "scout", "scout"]
    assert lead.revoke(shared.id) == 2
    assert scout.get("k", "nothing") == "nothing"
    assert len(lead.tokens()) == 1
    with pytest.raises(LastAdminTokenError):
        lead.revoke(lead.tokens()[0])


def test_a_secret_is_no_id(recorded, requests_sent):
    with pytest.raises(ValueError, match="id"):
        recorded.revoke("bw_" + "0" * 36)

    assert requests_sent == []


def test_a_memory_that_rotates_its_token_goes_on(lead, with_token):
    old = lead.token
    lead.set("k", 1)

    lead.rotate(overlap=60)

    assert lead.token != old
    assert lead.get("k") == with_token(old).get("k") == 1
    lead.rotate()
    assert lead.get("k") == 1


def test_an_open_namespace_refuses_to_share_and_takes_no_token(server, namespace, lead):
    with Memory(f"{namespace}-open", base_url=server.url) as memory:
        memory.set("k", 1)
        with pytest.raises(NamespaceOpenError):
            memory.share(read="")
    with Memory(f"{namespace}-open", base_url=server.url, token=lead.token) as memory, pytest.raises(InvalidTokenError):
        memory.get("k")


def test_only_the_word_of_those_who_are_trusted_is_taken(lead, with_token):
    with_token(lead.share(write="", name="scout").token).set("k", "from scout")

    assert lead.get("k", trust=["scout", "lead"]) == "from scout"
    assert lead.get("k", "nothing", trust=["lead"]) == "nothing"
    assert lead.get("missing", "nothing", trust=["lead"]) == "nothing"
    with pytest.raises(TypeError, match="trust"):
        lead.get("k", trust="scout")


def test_who_only_calls_itself_so_is_not_trusted(memory):
    memory.set("k", 1)

    assert memory.get_entry("k").writer == Writer("tester", verified=False)
    assert memory.get("k", "nothing", trust=["tester"]) == "nothing"


# --- the warning


@pytest.fixture
def _not_warned_yet(monkeypatch):
    monkeypatch.setattr(access, "_warned", set())


@pytest.mark.usefixtures("_not_warned_yet")
def test_a_write_to_an_open_namespace_warns_once_and_names_the_line(memory):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        memory.get("k")
        memory.set("k", 1)
        memory.set("k", 2)

    [warning] = told
    assert warning.category is OpenNamespaceWarning
    assert warning.filename == __file__
    assert memory.namespace in str(warning.message)


@pytest.mark.usefixtures("_not_warned_yet")
def test_a_private_one_does_not(server, namespace):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Memory.create(namespace, base_url=server.url) as memory:
            memory.set("k", 1)


# --- asyncio, and the shell


def test_the_same_for_asyncio(server, namespace, run):
    async def use():
        async with await AsyncMemory.create(namespace, name="lead", base_url=server.url) as lead:
            shared = await lead.share(write="a/", name="scout")
            async with AsyncMemory(namespace, base_url=server.url, token=shared.token) as scout:
                await scout.set("a/k", 1)
                assert await lead.get("a/k", trust=["scout"]) == 1
                assert await lead.revoke(shared.id) == 1
                assert await scout.get("a/k") is None
            old = lead.token
            await lead.rotate()
            assert lead.token != old
            return [token.name for token in await lead.tokens()]

    assert run(use()) == ["lead"]


def test_the_same_for_the_shell(server, namespace):
    def botwire(*arguments, token=""):
        command = [sys.executable, "-m", "botwire", "--url", server.url, "-n", namespace]
        command += ["--token", token] if token else []
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    status, [claimed], _ = botwire("claim", "--name", "lead")
    assert (status, claimed["role"], claimed["name"]) == (0, "admin", "lead")
    admin = claimed["token"]

    _, [shared], _ = botwire("share", "--write", "a/", "--write", "b/", "--name", "scout", "--ttl", "60", token=admin)
    assert shared["write"] == ["a/", "b/"]
    assert botwire("set", "a/k", "1", token=shared["token"])[0] == 0
    assert botwire("set", "c", "1", token=shared["token"])[0] == 3

    _, listed, _ = botwire("tokens", token=admin)
    assert [token["name"] for token in listed] == ["lead", "scout"]
    assert botwire("revoke", shared["id"], token=admin)[1] == [{"revoked": 1}]
    assert botwire("get", "a/k", token=shared["token"])[0] == 1

    _, [rotated], _ = botwire("rotate", "--overlap", "5", token=admin)
    assert botwire("get", "a/k", token=rotated["token"])[1] == [1]
