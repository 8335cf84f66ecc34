"""The public surface of `botwire`: what is in it, and that both clients have the same."""

import ast
import importlib
import inspect
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import botwire
from botwire import AsyncMemory, Memory

SOURCE = Path(botwire.__file__).parent
#: The only public modules beside the package itself; each imports its framework, so that no test here can import them.
ADAPTERS = {
    "agent_framework",
    "anthropic",
    "autogen",
    "crewai",
    "langchain",
    "langgraph",
    "llamaindex",
    "mcp",
    "memory",
    "openai_agents",
    "pydantic_ai",
    "pydantic_ai_harness",
}


def public_members(cls: type) -> dict[str, object]:
    return {name: member for name, member in vars(cls).items() if not name.startswith("_")}


def options(function) -> dict[str, tuple]:
    """What a caller may pass, and what it is annotated as; transports and leases differ by nature."""
    parameters = inspect.signature(function).parameters.values()
    return {
        parameter.name: (parameter.kind, parameter.default, str(parameter.annotation).replace("Async", ""))
        for parameter in parameters
    }


def result(function) -> str:
    return str(inspect.signature(function).return_annotation).replace("Async", "")


def test_all_names_exactly_what_is_public():
    imported = {
        name for name, value in vars(botwire).items() if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert set(botwire.__all__) == imported | {"__version__"}
    assert len(set(botwire.__all__)) == len(botwire.__all__)


def test_every_module_but_the_adapters_is_private():
    modules = {path.stem for path in SOURCE.glob("*.py")}

    assert {name for name in modules if not name.startswith("_")} == ADAPTERS


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_an_adapter_without_its_framework_names_the_extra_to_install(name):
    with pytest.raises(ImportError, match=r'pip install "botwire\[[\w-]+\]"'):
        importlib.import_module(f"botwire.{name}")


def test_both_clients_have_the_same_members():
    assert set(public_members(AsyncMemory)) == {*public_members(Memory), "aclose"}


def test_both_clients_take_the_same_options_and_give_the_same_results():
    functions = {name: member for name, member in public_members(Memory).items() if inspect.isfunction(member)}

    assert options(Memory.__init__) == options(AsyncMemory.__init__)
    for name, function in functions.items():
        assert options(function) == options(getattr(AsyncMemory, name)), name
        assert result(function) == result(getattr(AsyncMemory, name)), name


def test_options_are_keyword_only():
    kinds = [parameter.kind for parameter in inspect.signature(Memory).parameters.values()]

    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD, *[inspect.Parameter.KEYWORD_ONLY] * 6]


def test_every_public_method_says_what_it_promises():
    for cls in (Memory, AsyncMemory):
        undocumented = [name for name, member in public_members(cls).items() if not inspect.getdoc(member)]
        assert undocumented == []


def test_every_module_says_what_it_is_for():
    assert [path.name for path in SOURCE.glob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_the_version_is_the_distribution_s():
    assert botwire.__version__ == version("botwire")


def test_it_depends_on_httpx_alone():
    assert [needed for needed in requires("botwire") or [] if "extra ==" not in needed] == ["httpx<1,>=0.28"]


def test_importing_it_imports_nothing_of_the_server_and_no_adapter():
    adapters = [f"botwire.{name}" for name in ADAPTERS]
    program = (
        "import botwire, sys; "
        f"print([m for m in sys.modules if m in {adapters} or m.split('.')[0] in ('django', 'namespaces', 'api')])"
    )

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert finished.stdout.strip() == "[]"
