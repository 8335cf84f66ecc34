"""The codes are the same on the server, in its documentation and in the client."""

from api.problems import PROBLEMS
from botwire._exceptions import BY_CODE
from tests.conftest import ROOT


def test_every_code_is_documented():
    rows = [line.split("|") for line in (ROOT / "docs" / "errors.md").read_text().splitlines() if "| `" in line]

    documented = {row[2].strip().strip("`"): int(row[1]) for row in rows}

    assert documented == {code: problem.status for code, problem in PROBLEMS.items()}


def test_the_client_knows_every_code_and_no_other():
    assert set(BY_CODE) == set(PROBLEMS)


def test_every_refusal_of_the_domain_has_a_status():
    from namespaces.errors import Refusal

    def leaves(kind: type) -> set[type]:
        return {leaf for child in kind.__subclasses__() for leaf in leaves(child)} or {kind}

    codes = {leaf.code for leaf in leaves(Refusal) if hasattr(leaf, "code")}
    assert len(codes) > 10
    assert codes <= set(PROBLEMS)
