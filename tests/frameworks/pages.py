"""The programs in `docs/frameworks/`: each block of Python is one, and says behind its prints what they print."""

import re

from tests.servers import ROOT

PAGES = ROOT / "docs" / "frameworks"


def programs(name: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```$", (PAGES / f"{name}.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"docs/frameworks/{name}.md has no program"
    return found


def said(program: str) -> list[str]:
    """`print(...)  # this`: the comments of all prints, in order; there is at least one."""
    found = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert found, f"a program that prints nothing proves nothing:\n{program}"
    return found
