"""The table of limits is the only place where a number stands, and the environment can change each."""

import os
import subprocess
import sys

import pytest

from namespaces.limits import LIMITS, limit
from namespaces.models import Namespace
from namespaces.names import NAMESPACE_LENGTH
from tests.conftest import ROOT


def test_the_limits_are_those_that_are_promised():
    promised = {
        "writes_per_day": 1_000,
        "bytes": 52_428_800,
        "value_bytes": 1_048_576,
        "key_bytes": 512,
        "json_depth": 64,
        "keys_per_page": 10_000,
        "keys_per_page_default": 1_000,
        "ttl_seconds": 10 * 365 * 86_400,
    }

    assert {name: limit(name) for name in promised} == promised


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row.name)
def test_the_environment_changes_a_limit(row):
    program = f"import django; django.setup(); from namespaces.limits import limit; print(limit({row.name!r}))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "botwire_site.settings", row.variable: "7"}

    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )

    assert printed.stdout.strip() == "7"


def test_every_limit_per_namespace_has_its_column():
    columns = {field.name for field in Namespace._meta.fields}

    assert {f"limit_{row.name}" for row in LIMITS if row.is_per_namespace} <= columns


def test_names_fit_their_columns():
    assert Namespace._meta.get_field("name").max_length == NAMESPACE_LENGTH
