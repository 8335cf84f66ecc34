"""Operators of each role, signed in, on both databases."""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Page

from tests.browser import PageOpener
from tests.console.sessions import session_on
from tests.servers import Server

ROLES = ("viewer", "moderator", "administrator")


def sign_in(role: str) -> Client:
    """A browser in which an operator of this role, and of the same name, is signed in and past the second factor."""
    if not Group.objects.exists():  # a test that commits empties all tables behind it, those that a migration fills too
        import_module("namespaces.migrations.0003_append_only_and_roles").make_roles(apps, None)
    user, is_new = get_user_model().objects.get_or_create(username=role, defaults={"is_staff": True})
    if is_new:
        user.groups.add(Group.objects.get(name=role))
    return past_second_factor(user)


def past_second_factor(user: User) -> Client:
    """A browser whose session has shown the codes of an app, which the account then has."""
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    factor = factor or TOTP.activate(user, generate_totp_secret()).instance
    session = browser.session
    record_authentication(SimpleNamespace(session=session), user, "mfa", id=factor.pk, type=factor.type)
    session.save()
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


@pytest.fixture(scope="session")
def cookies() -> dict[tuple[str, str], str]:
    """Sessions that are made already, by server and role."""
    return {}


@pytest.fixture
def open_signed_in(
    server: Server, open_page: PageOpener, cookies: dict[tuple[str, str], str]
) -> Callable[..., tuple[Page, list[str]]]:
    """`open_signed_in("viewer", **options)`: a page on `server` where an operator of that role is, and its faults."""

    def open_signed_in(role: str, **options: object) -> tuple[Page, list[str]]:
        page, faults = open_page(server.url, **options)
        cookie = cookies.get((server.url, role)) or cookies.setdefault((server.url, role), session_on(server, role))
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": server.url}])
        return page, faults

    return open_signed_in
