"""How each peer's HTTP says get, set and list. Requests are only made and read here; nothing is sent."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def as_bytes(self) -> bytes:
        """The request as it goes over the wire, for a connection that is kept."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Dialect(Protocol):
    """What the benchmark wants to say to a peer. A value is text."""

    def prepare(self, namespaces: list[str]) -> list[Request]:
        """What has to be asked once before anything is set in these namespaces."""

    def put(self, namespace: str, key: str, value: str) -> Request: ...

    def get(self, namespace: str, key: str) -> Request: ...

    def value_in(self, answer: bytes) -> Any:
        """The value that an answer to `get` carries."""

    def keys(self, namespace: str, limit: int) -> Request | None:
        """The first `limit` keys of a namespace; None where the peer has no such list."""

    def count_in(self, answer: bytes) -> int:
        """How many keys an answer to `keys` lists."""


class BotWire:
    """BotWire's own, which the stand-in and the floor speak too."""

    def prepare(self, namespaces: list[str]) -> list[Request]:
        return []

    def put(self, namespace: str, key: str, value: str) -> Request:
        return Request("PUT", _path(namespace, key), json.dumps({"value": value}).encode(), JSON)

    def get(self, namespace: str, key: str) -> Request:
        return Request("GET", _path(namespace, key))

    def value_in(self, answer: bytes) -> Any:
        return json.loads(answer)["value"]

    def keys(self, namespace: str, limit: int) -> Request:
        return Request("GET", f"/memory/{namespace}?limit={limit}")

    def count_in(self, answer: bytes) -> int:
        return len(json.loads(answer)["keys"])


class Etcd:
    """etcd's gateway from JSON to gRPC. A key is `namespace/key`; keys and values travel in base64."""

    def prepare(self, namespaces: list[str]) -> list[Request]:
        return []

    def put(self, namespace: str, key: str, value: str) -> Request:
        return self._ask("put", key=_base64(f"{namespace}/{key}"), value=_base64(value))

    def get(self, namespace: str, key: str) -> Request:
        return self._ask("range", key=_base64(f"{namespace}/{key}"))

    def value_in(self, answer: bytes) -> Any:
        return base64.b64decode(json.loads(answer)["kvs"][0]["value"]).decode()

    def keys(self, namespace: str, limit: int) -> Request:
        after = namespace + chr(ord("/") + 1)
        return self._ask(
            "range", key=_base64(f"{namespace}/"), range_end=_base64(after), limit=str(limit), keys_only=True
        )

    def count_in(self, answer: bytes) -> int:
        return len(json.loads(answer)["kvs"])

    def _ask(self, what: str, **fields: Any) -> Request:
        return Request("POST", f"/v3/kv/{what}", json.dumps(fields).encode(), JSON)


class Webdis:
    """Redis commands as paths. A key is `namespace:key`; only a scan of all keys would list those of a namespace."""

    def prepare(self, namespaces: list[str]) -> list[Request]:
        return []

    def put(self, namespace: str, key: str, value: str) -> Request:
        return Request("PUT", f"/SET/{quote(f'{namespace}:{key}', safe='')}", value.encode())

    def get(self, namespace: str, key: str) -> Request:
        return Request("GET", f"/GET/{quote(f'{namespace}:{key}', safe='')}")

    def value_in(self, answer: bytes) -> Any:
        return json.loads(answer)["GET"]

    def keys(self, namespace: str, limit: int) -> None:
        return None

    def count_in(self, answer: bytes) -> int:
        raise NotImplementedError


class Kinto:
    """Kinto: a namespace is a collection of one bucket, a key a record of it. Its lists are of whole records."""

    HEADERS = (*JSON, ("Authorization", f"Basic {base64.b64encode(b'benchmark:benchmark').decode()}"))
    BUCKET = "/v1/buckets/benchmark"

    def prepare(self, namespaces: list[str]) -> list[Request]:
        paths = [self.BUCKET, *(f"{self.BUCKET}/collections/{namespace}" for namespace in namespaces)]
        return [Request("PUT", path, b"{}", self.HEADERS) for path in paths]

    def put(self, namespace: str, key: str, value: str) -> Request:
        return Request(
            "PUT", self._record(namespace, key), json.dumps({"data": {"value": value}}).encode(), self.HEADERS
        )

    def get(self, namespace: str, key: str) -> Request:
        return Request("GET", self._record(namespace, key), headers=self.HEADERS)

    def value_in(self, answer: bytes) -> Any:
        return json.loads(answer)["data"]["value"]

    def keys(self, namespace: str, limit: int) -> None:
        return None

    def count_in(self, answer: bytes) -> int:
        raise NotImplementedError

    def _record(self, namespace: str, key: str) -> str:
        return f"{self.BUCKET}/collections/{namespace}/records/{key}"


def _path(namespace: str, key: str) -> str:
    return f"/memory/{quote(namespace, safe='')}/{quote(key, safe='')}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
