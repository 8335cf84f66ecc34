"""The OpenAPI description holds: whatever is sent by it, the server answers as it says, and never with 5xx."""

import httpx
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

schemathesis.serializer.alias("application/x-ndjson", "text/plain")

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_description_is_openapi_3_1_with_every_operation(server):
    document = httpx.get(f"{server.url}/api/schema/").json()

    assert document["openapi"].startswith("3.1")
    operations = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert operations == {
        ("/memory/{namespace}", "get"),
        ("/memory/{namespace}", "delete"),
        ("/memory/{namespace}/{key}", "get"),
        ("/memory/{namespace}/{key}", "put"),
        ("/memory/{namespace}/{key}", "delete"),
        ("/memory/{namespace}/{key}", "patch"),
        ("/namespaces/{namespace}", "get"),
        ("/namespaces/{namespace}/changes", "get"),
        ("/namespaces/{namespace}/batch", "post"),
        ("/namespaces/{namespace}/history", "get"),
        ("/namespaces/{namespace}/restore", "post"),
        ("/namespaces/{namespace}/rollback", "post"),
        ("/namespaces/{namespace}/rollbacks/{job}", "get"),
        ("/namespaces/{namespace}/rollbacks/{job}", "delete"),
        ("/namespaces/{namespace}/quarantine", "get"),
        ("/namespaces/{namespace}/quarantine", "post"),
        ("/namespaces/{namespace}/quarantine", "delete"),
        ("/namespaces/{namespace}/claim", "post"),
        ("/namespaces/{namespace}/tokens", "get"),
        ("/namespaces/{namespace}/tokens", "post"),
        ("/namespaces/{namespace}/tokens/{token_id}", "get"),
        ("/namespaces/{namespace}/tokens/{token_id}", "delete"),
        ("/namespaces/{namespace}/tokens/{token_id}/rotate", "post"),
        ("/namespaces/{namespace}/claims", "post"),
        ("/namespaces/{namespace}/export", "get"),
        ("/namespaces/{namespace}/import", "post"),
        ("/namespaces/{namespace}/leases/{name}", "get"),
        ("/namespaces/{namespace}/leases/{name}", "post"),
        ("/namespaces/{namespace}/leases/{name}", "put"),
        ("/namespaces/{namespace}/leases/{name}", "delete"),
    }


def test_no_request_that_fits_the_description_or_breaks_it_gets_a_5xx(server):
    schema = schemathesis.openapi.from_url(f"{server.url}/api/schema/")
    config = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    asked = 0

    for operation in schema.get_all_operations():
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            asked += _ask(operation.ok(), mode, config)

    assert asked > 300


def _ask(operation, mode, config):
    from hypothesis import given

    asked = 0

    @config
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        nonlocal asked
        asked += 1
        if isinstance(case.query.get("wait"), int):
            case.query["wait"] = 0  # the longest is a minute, and nothing would happen in it
        answer = case.call(timeout=20)
        case.validate_response(answer, checks=CHECKS)

    run()
    return asked
