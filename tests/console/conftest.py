"""Operators of each role, signed in, on both databases."""

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

ROLES = ("viewer", "moderator", "administrator")


def sign_in(role: str) -> Client:
    """A browser in which an operator of this role, and of the same name, is signed in."""
    user, is_new = get_user_model().objects.get_or_create(username=role, defaults={"is_staff": True})
    if is_new:
        user.groups.add(Group.objects.get(name=role))
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


@pytest.fixture
def signed_in(database: str, db: None) -> Callable[[str], Client]:
    """`signed_in("viewer")`: a browser of an operator of that role."""
    return sign_in


@pytest.fixture
def viewer(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("viewer")


@pytest.fixture
def moderator(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("moderator")


@pytest.fixture
def administrator(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("administrator")
