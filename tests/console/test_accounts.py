"""What administrators do to accounts: with a reason, never beyond what they have, and never out of the log."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from namespaces.models import ModerationAction
from tests.console.conftest import ROLES, past_second_factor

User = get_user_model()
PASSWORD = "a long enough passphrase"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def root(database, db):
    return User.objects.create_superuser("root", password=PASSWORD)


def account(name: str, *roles: str) -> User:
    made = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    made.groups.set(Group.objects.filter(name__in=roles))
    return made


def change(browser: Client, user: User, **fields):
    """Post the form of an account as it stands, with these fields changed; None clears a box."""
    form = {
        "username": user.username,
        "is_active": "on" if user.is_active else None,
        "is_staff": "on" if user.is_staff else None,
        "groups": [group.pk for group in user.groups.all()],
        "reason": "because",
        **fields,
    }
    form = {name: value for name, value in form.items() if value is not None}
    return browser.post(f"/admin/auth/user/{user.pk}/change/", form)


def log() -> list[tuple[str, str, str, str]]:
    return [
        (row.operator, row.after["account"], row.after["did"], row.reason)
        for row in ModerationAction.objects.filter(action="account").order_by("id")
    ]


# --- who may


def test_only_administrators_see_accounts(signed_in):
    seen = {role: signed_in(role).get("/admin/auth/user/").status_code for role in ROLES}

    assert seen == {"viewer": 403, "moderator": 403, "administrator": 200}


@pytest.mark.parametrize("role", ["viewer", "moderator"])
def test_lower_roles_change_no_account(signed_in, role):
    target = account("target", "viewer")
    browser = signed_in(role)

    answers = [
        change(browser, target, is_active=None),
        browser.post(f"/admin/auth/user/{target.pk}/password/", {"password1": "x" * 20, "password2": "x" * 20}),
        browser.post(f"/admin/auth/user/{target.pk}/second-factor/", {"reason": "mine now"}),
        browser.post("/admin/auth/user/add/", {"username": "new"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    target.refresh_from_db()
    assert target.is_active
    assert target.check_password(PASSWORD)
    assert log() == []


def test_an_administrator_makes_an_account_with_a_role_and_a_reason(administrator):
    viewer = Group.objects.get(name="viewer")
    form = {"username": "anna", "password1": PASSWORD, "password2": PASSWORD, "groups": [viewer.pk]}

    without = administrator.post("/admin/auth/user/add/", form)
    made = administrator.post("/admin/auth/user/add/", {**form, "reason": "new in the team"})

    assert without.status_code == 200
    assert made.status_code == 302
    anna = User.objects.get(username="anna")
    assert anna.is_staff
    assert list(anna.groups.all()) == [viewer]
    assert log() == [("administrator", "anna", "account made", "new in the team")]


def test_an_administrator_gives_another_role_and_closes_an_account(administrator):
    target = account("target", "viewer")

    change(administrator, target, groups=[Group.objects.get(name="moderator").pk], is_active=None, reason="left us")

    target.refresh_from_db()
    assert [group.name for group in target.groups.all()] == ["moderator"]
    assert not target.is_active
    [row] = ModerationAction.objects.filter(action="account")
    assert (row.operator, row.reason) == ("administrator", "left us")
    facts = {"account": "target", "is_staff": True, "is_superuser": False}
    assert row.before == {**facts, "roles": ["viewer"], "is_active": True}
    assert row.after == {**facts, "roles": ["moderator"], "is_active": False, "did": "account changed"}


def test_an_administrator_makes_nobody_a_superuser(administrator):
    me, target = User.objects.get(username="administrator"), account("target", "viewer")

    for user in (me, target):
        assert change(administrator, user, is_superuser="on").status_code == 302

    assert not User.objects.filter(is_superuser=True).exists()


def test_an_administrator_grants_no_single_permission(administrator):
    me = User.objects.get(username="administrator")

    change(administrator, me, user_permissions=[permission.pk for permission in Permission.objects.all()])

    assert not me.user_permissions.exists()


def test_an_administrator_gives_no_role_that_grants_more_than_theirs(administrator):
    powerful = Group.objects.create(name="powerful")
    powerful.permissions.set(Permission.objects.filter(codename__in=["change_group", "view_namespace"]))
    me = User.objects.get(username="administrator")

    answer = change(administrator, me, groups=[powerful.pk])

    assert answer.status_code == 200
    assert [group.name for group in me.groups.all()] == ["administrator"]


@pytest.mark.parametrize("is_active", [True, False])
def test_an_administrator_touches_no_superuser(administrator, root, is_active):
    root.is_active = is_active
    root.save()
    before = User.objects.filter(pk=root.pk).values().get()

    answers = [
        change(administrator, root, username="mine", is_active="on"),
        administrator.post(
            f"/admin/auth/user/{root.pk}/password/",
            {"password1": "x" * 20 + "1a", "password2": "x" * 20 + "1a", "reason": "mine now"},
        ),
        administrator.post(f"/admin/auth/user/{root.pk}/second-factor/", {"reason": "mine now"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert User.objects.filter(pk=root.pk).values().get() == before
    assert administrator.get(f"/admin/auth/user/{root.pk}/change/").status_code == 200, "looking is no harm"


@pytest.mark.parametrize("is_active", [True, False])
def test_an_administrator_touches_no_account_with_more_permissions(administrator, is_active):
    mighty = account("mighty")
    mighty.user_permissions.set(Permission.objects.filter(codename="change_group"))
    mighty.is_active = is_active
    mighty.save()

    assert change(administrator, mighty, is_active="on").status_code == 403
    assert administrator.get(f"/admin/auth/user/{mighty.pk}/password/").status_code == 403


def test_a_superuser_may_make_another(root):
    target = account("target")

    change(past_second_factor(root), target, is_superuser="on")

    target.refresh_from_db()
    assert target.is_superuser


def test_roles_are_looked_at_only(root):
    browser, viewer = past_second_factor(root), Group.objects.get(name="viewer")

    assert browser.get(f"/admin/auth/group/{viewer.pk}/change/").status_code == 200
    assert browser.post(f"/admin/auth/group/{viewer.pk}/change/", {"name": "all"}).status_code == 403
    assert browser.post("/admin/auth/group/add/", {"name": "all"}).status_code == 403


def test_secrets_of_second_factors_have_no_page(root):
    assert past_second_factor(root).get("/admin/mfa/authenticator/").status_code == 404


# --- passwords and second factors of others


def test_an_administrator_sets_a_password_with_a_reason(administrator):
    target = account("target", "viewer")
    open_browser = past_second_factor(target)
    form = {"password1": "Another-passphrase-9", "password2": "Another-passphrase-9", "usable_password": "true"}

    without = administrator.post(f"/admin/auth/user/{target.pk}/password/", form)
    administrator.post(f"/admin/auth/user/{target.pk}/password/", {**form, "reason": "forgotten"})

    assert without.status_code == 200
    target.refresh_from_db()
    assert target.check_password("Another-passphrase-9")
    assert log() == [("administrator", "target", "password set", "forgotten")]
    assert open_browser.get("/admin/").status_code == 302, "what was open is closed"


def test_one_s_own_password_is_not_set_without_the_old_one(administrator):
    me = User.objects.get(username="administrator")

    answer = administrator.post(f"/admin/auth/user/{me.pk}/password/", {"password1": "a", "password2": "a"})

    assert answer["Location"] == "/account/password/"


def test_an_administrator_resets_a_lost_second_factor(administrator):
    target = account("target", "viewer")
    open_browser = past_second_factor(target)

    asked = administrator.get(f"/admin/auth/user/{target.pk}/second-factor/")
    without = administrator.post(f"/admin/auth/user/{target.pk}/second-factor/", {"reason": "  "})
    assert Authenticator.objects.filter(user=target).count() == 1
    administrator.post(f"/admin/auth/user/{target.pk}/second-factor/", {"reason": "lost phone"})

    assert asked.status_code == without.status_code == 200
    assert not Authenticator.objects.filter(user=target).exists()
    assert open_browser.get("/admin/").status_code == 302
    [row] = ModerationAction.objects.filter(action="account")
    assert (row.operator, row.reason, row.before["factors"]) == ("administrator", "lost phone", ["totp"])
    assert row.after["did"] == "second factor reset"


def test_one_s_own_second_factor_is_not_reset_here(administrator):
    me = User.objects.get(username="administrator")

    assert administrator.post(f"/admin/auth/user/{me.pk}/second-factor/", {"reason": "easy"}).status_code == 403
    assert Authenticator.objects.filter(user=me).exists()


def test_the_list_tells_who_has_a_second_factor(administrator):
    TOTP.activate(account("safe", "viewer"), generate_totp_secret())
    account("bare", "viewer")

    rows = administrator.get("/admin/auth/user/").context["cl"].result_list

    assert {row.username: row.has_factor for row in rows} == {"administrator": True, "safe": True, "bare": False}


# --- what stays


def test_accounts_are_not_deleted_in_the_admin(root):
    target, browser = account("target"), past_second_factor(root)

    single = browser.post(f"/admin/auth/user/{target.pk}/delete/", {"post": "yes"})
    browser.post("/admin/auth/user/", {"action": "delete_selected", "_selected_action": [target.pk], "post": "yes"})

    assert single.status_code == 403
    assert User.objects.filter(pk=target.pk).exists()


def test_what_an_operator_did_outlives_the_account(administrator):
    target = account("target", "viewer")
    change(administrator, target, is_active=None, reason="left us")

    User.objects.get(username="administrator").delete()  # from the shell, where nothing stops it

    assert not LogEntry.objects.exists(), "Django's own notes go with the account"
    assert log() == [("administrator", "target", "account changed", "left us")]
