"""Every framework's suite, each in an environment of its own, two side by side; and what is said about them."""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import metadata
from subprocess import CompletedProcess

import pytest

from tests.frameworks.environments import SECONDS, groups, run, suite_of
from tests.frameworks.pages import PAGES
from tests.servers import ROOT

SIDE_BY_SIDE = 2
ROWS = re.compile(r"^\| \[[^]]+\]\(docs/frameworks/([\w-]+)\.md\) \| `botwire\[([\w-]+)\]` \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def suites(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[CompletedProcess[str]]]]:
    """The suites of the tests that were chosen, as they run."""
    chosen = [item.callspec.params["name"] for item in request.session.items if "suites" in item.fixturenames]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        yield {name: threads.submit(run, name, "-q") for name in chosen}


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("name", groups())
def test_the_suite_passes_in_the_environment_of(name, suites):
    suite = suites[name].result()

    assert suite.returncode == 0, suite.stdout + suite.stderr


def test_every_extra_has_an_environment_a_suite_and_a_page():
    extras = set(metadata("botwire").get_all("Provides-Extra") or [])

    assert extras
    assert set(groups()) == extras
    assert [name for name in extras if not list(suite_of(name).glob("test_*.py"))] == []
    assert {page.stem for page in PAGES.glob("*.md")} == extras


def test_the_readme_says_which_versions_are_tested():
    said = {(page, extra): versions for page, extra, versions in ROWS.findall((ROOT / "README.md").read_text())}

    pinned = {name: [row.split("==") for row in rows if "==" in row] for name, rows in groups().items()}
    assert said == {
        (name, name): ", ".join(f"{distribution} {version}" for distribution, version in rows)
        for name, rows in pinned.items()
    }
