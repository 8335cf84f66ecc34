"""Exports as tests make and send them, in this process."""

import hashlib
import json
from typing import Any

from tests.conftest import RawClient

MEDIA_TYPE = "application/x-ndjson"


def export_of(api: RawClient, namespace: str, query: str = "") -> bytes:
    """The whole of an export."""
    answer = api.get(f"/namespaces/{namespace}/export{query}")
    assert answer.status_code == 200, answer.content
    return content_of(answer)


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def import_into(api: RawClient, namespace: str, part: bytes, query: str = "", **headers: str) -> Any:
    return api.post(f"/namespaces/{namespace}/import{query}", part, content_type=MEDIA_TYPE, headers=headers)


def part_of(*lines: dict[str, Any], revision: int = 9, **members: Any) -> bytes:
    """A part of an export with these lines and no trailer."""
    header = {"botwire_export": 1, "revision": revision, "prefix": "", "history": False}
    header |= {"entries": len(lines), "changes": 0, **members}
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in (header, *lines))


def entry_line(key: str, value: Any = 1, **members: Any) -> dict[str, Any]:
    """An entry as an export has it."""
    moment = "2026-01-31T12:00:00.000000Z"
    line = {"key": key, "value": value, "version": 1, "writer": None, "created_at": moment, "updated_at": moment}
    return line | {"expires_at": None} | members


def with_trailer(part: bytes, entries: int, changes: int = 0) -> bytes:
    """The part as a whole export."""
    trailer = {"entries": entries, "changes": changes, "sha256": hashlib.sha256(part).hexdigest()}
    return part + json.dumps(trailer).encode() + b"\n"


ORIGIN = "?origin=" + "a" * 64
