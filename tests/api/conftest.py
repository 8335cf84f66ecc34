"""What the API's tests share: short ways to ask, on both databases."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import RawClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def put(database: str, api: RawClient, namespace: str) -> Callable[..., Any]:
    """PUT a value (or a body as it stands) under a key of the test's namespace."""

    def put(key: str, value: Any = 1, *, body: str | bytes | None = None, ttl: Any = None, **headers: str) -> Any:
        fields = {"value": value} | ({"ttl": ttl} if ttl is not None else {})
        return api.put(
            f"/memory/{namespace}/{key}",
            json.dumps(fields) if body is None else body,
            content_type=headers.pop("content_type", "application/json"),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return put


@pytest.fixture
def get(database: str, api: RawClient, namespace: str) -> Callable[..., Any]:
    """GET a key of the test's namespace."""

    def get(key: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return api.get(f"/memory/{namespace}/{key}", headers=named)

    return get


@pytest.fixture
def delete(database: str, api: RawClient, namespace: str) -> Callable[..., Any]:
    """DELETE a key of the test's namespace."""

    def delete(key: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return api.delete(f"/memory/{namespace}/{key}", headers=named)

    return delete


@pytest.fixture
def patch(database: str, api: RawClient, namespace: str) -> Callable[..., Any]:
    """PATCH a key of the test's namespace with a change of one kind (or a body as it stands)."""

    def patch(
        key: str, op: str = "", *, body: str | None = None, headers: dict[str, str] | None = None, **members: Any
    ) -> Any:
        asked = {"op": op, **{name.rstrip("_"): value for name, value in members.items() if name != "content_type"}}
        content_type = members.get("content_type", "application/json")
        content = json.dumps(asked) if body is None else body
        return api.patch(f"/memory/{namespace}/{key}", content, content_type=content_type, headers=headers or {})

    return patch


@pytest.fixture
def batch(database: str, api: RawClient, namespace: str) -> Callable[..., Any]:
    """POST operations, given as dicts, as one batch of the test's namespace."""

    def batch(*operations: dict[str, Any], body: str | None = None, headers: dict[str, str] | None = None) -> Any:
        content = json.dumps({"operations": operations}) if body is None else body
        path = f"/namespaces/{namespace}/batch"
        return api.post(path, content, content_type="application/json", headers=headers or {})

    return batch


class Leases:
    """The leases and claims of the test's namespace over HTTP."""

    def __init__(self, api: RawClient, namespace: str) -> None:
        self._api, self._path = api, f"/namespaces/{namespace}"

    def _send(self, method: str, path: str, members: Any, headers: dict[str, str]) -> Any:
        content = members if isinstance(members, str) else json.dumps(members)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._api.generic(method, self._path + path, content, "application/json", headers=named)

    def acquire(self, name: str = "deploy", ttl: Any = 60, *, body: str | None = None, **more: Any) -> Any:
        headers = {key: more.pop(key) for key in list(more) if key[0].isupper()}
        return self._send("POST", f"/leases/{name}", body or {"ttl": ttl, **more}, headers)

    def renew(self, fencing: Any, ttl: Any = 60, name: str = "deploy", **headers: str) -> Any:
        return self._send("PUT", f"/leases/{name}", {"fencing": fencing, "ttl": ttl}, headers)

    def release(self, fencing: Any, name: str = "deploy", **headers: str) -> Any:
        return self._send("DELETE", f"/leases/{name}?fencing={fencing}", "", headers)

    def get(self, name: str = "deploy") -> Any:
        return self._api.get(f"{self._path}/leases/{name}")

    def claim(self, prefix: str = "tasks/", ttl: Any = 60, **more: Any) -> Any:
        headers = {key: more.pop(key) for key in list(more) if key[0].isupper()}
        return self._send("POST", "/claims", {"prefix": prefix, "ttl": ttl, **more}, headers)


@pytest.fixture
def leases(database: str, api: RawClient, namespace: str) -> Leases:
    return Leases(api, namespace)
