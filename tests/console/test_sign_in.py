"""Signing in: a password and a second factor, for the session, and attempts that are limited without locking out."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from tests.console.conftest import past_second_factor

PASSWORD = "correct horse battery"
ENROLMENT = {"/account/", "/account/confirm/", "/account/codes/activate/", "/account/passkeys/add/"}
PUBLIC = {
    "account_login",
    "account_logout",
    "account_inactive",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "login",  # of the admin: leads to account_login
    "logout",  # of the admin
}


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """The real hashing takes most of a second, on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def operator(database, db):
    """A superuser with a password and no second factor yet: what the first `serve` makes."""
    return get_user_model().objects.create_superuser("operator", password=PASSWORD)


@pytest.fixture
def secret(operator) -> str:
    """The secret of the operator's app: the account has its second factor."""
    secret = generate_totp_secret()
    TOTP.activate(operator, secret)
    return secret


def code_of(secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or some steps of 30 seconds away from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def browser_at(address: str = "127.0.0.1", **extra) -> Client:
    return Client(raise_request_exception=False, REMOTE_ADDR=address, **extra)


def give_password(browser: Client, password: str = PASSWORD, name: str = "operator"):
    return browser.post("/account/login/", {"login": name, "password": password})


def give_code(browser: Client, code: str):
    return browser.post("/account/login/verify/", {"code": code})


def is_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def addresses_of(patterns, prefix: str = "") -> list[tuple[str, str]]:
    """Every address below /admin/ and /account/ with its name; captured parts are filled with 1."""
    found = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found.append((pattern.name or "", route))
        else:
            found += addresses_of(pattern.url_patterns, route)
    return [(name, route) for name, route in found if route.startswith(("admin/", "account/"))]


def filled(route: str) -> str:
    route = re.sub(r"\(\?P<\w+>.*?\)\$?", "1", route.replace("^", ""))
    return "/" + re.sub(r"<[^>]+>", "1", route).replace("\\", "").rstrip("$")


def protected_addresses() -> list[str]:
    found = addresses_of(get_resolver().url_patterns)
    return [filled(route) for name, route in found if name not in PUBLIC]


def opens_something(answer) -> bool:
    """Whether more came than a redirect to sign in or to make a factor."""
    leads = ("/admin/login/", "/account/login/", "/account/")
    return not (answer.status_code == 302 and answer["Location"].partition("?")[0] in leads)


# --- what a session may open


def test_a_stranger_opens_no_page(database, db):
    addresses = protected_addresses()

    opened = [path for path in addresses if opens_something(browser_at().get(path))]
    posted = [path for path in addresses if opens_something(browser_at().post(path))]

    assert len(addresses) > 20
    assert opened == []
    assert posted == []


def test_a_password_alone_opens_nothing_but_the_pages_to_make_a_factor(operator):
    browser = browser_at()
    assert give_password(browser)["Location"] == "/admin/"

    opened = {path for path in protected_addresses() if opens_something(browser.get(path))}

    assert opened == ENROLMENT
    assert browser.get("/admin/", follow=True).redirect_chain[-1] == ("/account/", 302)


def test_a_password_alone_opens_nothing_where_the_account_has_a_factor(operator, secret):
    browser = browser_at()

    assert give_password(browser)["Location"] == "/account/login/verify/"

    assert [path for path in protected_addresses() if opens_something(browser.get(path))] == []
    assert [path for path in protected_addresses() if opens_something(browser.post(path))] == []


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/login/?next=/admin/"])
def test_the_admin_s_own_sign_in_takes_no_password(operator, path):
    browser = browser_at()

    answer = browser.post(path, {"username": "operator", "password": PASSWORD})

    assert answer.status_code == 405
    assert not Session.objects.exists()
    assert browser.get("/admin/login/")["Location"] == "/account/login/?next=/admin/"


@pytest.mark.parametrize(
    "path",
    [
        "/account/signup/",
        "/account/email/",
        "/account/confirm-email/",
        "/account/password/reset/",
        "/account/login/code/",
        "/account/social/",
        "/account/trust/",
    ],
)
def test_there_is_no_sign_up_no_e_mail_and_no_social_sign_in(database, db, path):
    assert browser_at().get(path).status_code == 404
    assert browser_at().post(path).status_code == 404


def test_a_session_from_before_the_factor_cannot_make_another(operator, secret):
    old = browser_at()
    old.force_login(operator)

    answer = old.get("/account/codes/activate/")

    assert answer["Location"].startswith("/account/login/")
    assert "_auth_user_id" not in old.session, "and the session is ended"


def test_resetting_the_factor_ends_what_was_open(operator, secret):
    browser = past_second_factor(operator)
    assert is_in(browser)

    Authenticator.objects.filter(user=operator).delete()

    assert browser.get("/admin/", follow=True).redirect_chain[-1] == ("/account/", 302)


def test_the_second_factor_can_be_waived(operator, settings):
    settings.OPERATOR_MFA = False
    browser = browser_at()

    give_password(browser)

    assert b"no second factor" in browser.get("/admin/").content
    assert b"no second factor" in browser_at().get("/account/login/").content


def test_a_factor_that_there_is_is_asked_for_even_where_none_is_demanded(operator, secret, settings):
    settings.OPERATOR_MFA = False
    browser = browser_at()

    assert give_password(browser)["Location"] == "/account/login/verify/"
    assert not is_in(browser)


# --- codes


def test_the_first_sign_in_leads_through_making_a_factor(operator):
    browser = browser_at()
    give_password(browser)
    page = browser.get("/account/codes/activate/")
    secret = page.context["form"].secret

    made = browser.post("/account/codes/activate/", {"code": code_of(secret)})

    assert b"<svg" in page.content
    assert b"data:" not in page.content, "the policy allows no such image"
    assert made["Location"] == "/account/recovery-codes/"
    assert browser.get("/account/recovery-codes/").status_code == 200
    assert is_in(browser)


def test_a_wrong_code_makes_no_factor(operator):
    browser = browser_at()
    give_password(browser)
    secret = browser.get("/account/codes/activate/").context["form"].secret

    refused = browser.post("/account/codes/activate/", {"code": code_of(secret, steps=500)})

    assert b"Incorrect code" in refused.content
    assert not Authenticator.objects.exists()
    assert not is_in(browser)


def test_password_and_code_sign_in_and_the_session_gets_a_new_name(operator, secret):
    browser = browser_at()
    give_password(browser)
    before = browser.session.session_key

    give_code(browser, code_of(secret))

    assert is_in(browser)
    assert browser.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("steps", [-500, -2, 2])
def test_another_time_s_code_opens_nothing(operator, secret, steps):
    browser = browser_at()
    give_password(browser)

    give_code(browser, code_of(secret, steps=steps))

    assert not is_in(browser)


def test_a_code_is_taken_once(operator, secret):
    code = code_of(secret)
    first, second = browser_at(), browser_at("10.0.0.2")
    give_password(first)
    give_password(second)

    give_code(first, code)
    give_code(second, code)

    assert is_in(first)
    assert not is_in(second)


def test_a_recovery_code_signs_in_once(operator):
    browser = browser_at()
    give_password(browser)
    secret = browser.get("/account/codes/activate/").context["form"].secret
    browser.post("/account/codes/activate/", {"code": code_of(secret)})
    code = browser.get("/account/recovery-codes/").context["unused_codes"][0]
    first, second = browser_at(), browser_at()
    give_password(first)
    give_password(second)

    give_code(first, code)
    give_code(second, code)

    assert is_in(first)
    assert not is_in(second)


def test_new_recovery_codes_end_the_old_ones_but_not_the_session(operator, secret):
    browser = past_second_factor(operator)
    browser.post("/account/recovery-codes/new/")
    [old] = browser.get("/account/recovery-codes/").context["unused_codes"][:1]

    browser.post("/account/recovery-codes/new/")

    assert old not in browser.get("/account/recovery-codes/").context["unused_codes"]
    assert is_in(browser)


def test_whoever_removes_the_last_factor_makes_a_new_one_at_once(operator, secret):
    browser = past_second_factor(operator)

    browser.post("/account/codes/remove/")

    assert not Authenticator.objects.exists()
    assert browser.get("/admin/", follow=True).redirect_chain[-1] == ("/account/", 302)


def test_changing_factors_asks_again_after_five_minutes(operator, secret):
    browser = past_second_factor(operator)
    session = browser.session
    session["account_authentication_methods"][-1]["at"] -= 301
    session.save()

    removal = browser.post("/account/codes/remove/")
    wrong = browser.post("/account/confirm/", {"password": "wrong"})

    assert removal["Location"].startswith("/account/confirm/")
    assert wrong.status_code == 200
    assert Authenticator.objects.count() == 1

    browser.post("/account/confirm/", {"password": PASSWORD})
    browser.post("/account/codes/remove/")

    assert not Authenticator.objects.exists()


# --- sessions


def test_the_session_cookie_is_for_no_script_and_no_other_site(operator, settings):
    cookie = give_password(browser_at()).cookies["sessionid"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 12 * 3_600


def test_changing_the_password_ends_every_other_session(operator, secret):
    here, elsewhere = past_second_factor(operator), past_second_factor(operator)
    assert is_in(elsewhere)

    new = "another long passphrase"
    changed = here.post("/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert changed.status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)


def test_the_password_is_not_changed_without_the_old_one(operator, secret):
    browser = past_second_factor(operator)

    new = "another long passphrase"
    browser.post("/account/password/", {"oldpassword": "wrong", "password1": new, "password2": new})

    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_an_account_that_is_closed_signs_in_nowhere(operator, secret):
    open_browser = past_second_factor(operator)
    operator.is_active = False
    operator.save()

    assert not is_in(open_browser)
    assert give_password(browser_at())["Location"] == "/account/inactive/"


def test_nobody_is_led_to_another_site_after_signing_in(operator, secret):
    browser = browser_at()
    browser.post("/account/login/?next=https://example.org/", {"login": "operator", "password": PASSWORD})

    answer = give_code(browser, code_of(secret))

    assert answer["Location"] == "/admin/"


# --- attempts


def tries(address: str, number: int, name: str = "operator") -> int:
    """Give a wrong password so many times from one address; how many of them were looked at."""
    looked_at = 0
    for _ in range(number):
        answer = give_password(browser_at(address), "wrong", name)
        looked_at += b"are not correct" in answer.content
    return looked_at


def test_ten_wrong_passwords_for_a_name_from_one_network_are_looked_at(operator):
    assert tries("10.0.0.1", 10) == 10
    assert tries("10.0.0.1", 3) == 0

    assert b"Too many failed login attempts" in give_password(browser_at("10.0.0.1")).content, "not even the right one"


def test_a_stranger_who_hammers_the_name_does_not_lock_the_operator_out(operator, secret):
    for number in range(3):
        tries(f"10.0.0.{number}", 12)
    browser = browser_at("10.0.1.1")

    give_password(browser)
    give_code(browser, code_of(secret))

    assert is_in(browser)


def test_twenty_wrong_passwords_from_one_address_are_looked_at_whatever_the_names(operator):
    assert sum(tries("10.0.0.1", 1, f"name-{number}") for number in range(25)) == 20


@pytest.mark.parametrize("same", ["OPERATOR", " operator "])
def test_writing_the_name_otherwise_gives_no_more_tries(operator, same):
    tries("10.0.0.1", 10)

    assert tries("10.0.0.1", 2, same) == 0


def test_an_ipv6_network_counts_as_one(operator):
    assert sum(tries(f"2001:db8:0:1::{number}", 1) for number in range(1, 13)) == 10
    assert tries("2001:db8:0:2::1", 1) == 1


def test_the_host_header_gives_no_more_tries(operator):
    tries("10.0.0.1", 10)

    answer = browser_at("10.0.0.1", HTTP_HOST="other.example.org").post(
        "/account/login/", {"login": "operator", "password": PASSWORD}
    )

    assert b"Too many failed login attempts" in answer.content


def test_a_claimed_address_gives_no_more_tries_unless_a_proxy_of_ours_wrote_it(operator, settings):
    def at(claim: str):
        browser = browser_at("10.0.0.1", HTTP_X_FORWARDED_FOR=claim)
        return b"are not correct" in give_password(browser, "wrong").content

    assert sum(at(f"192.0.2.{number}") for number in range(12)) == 10

    settings.TRUSTED_PROXIES = 1
    assert sum(at(f"192.0.2.{number}") for number in range(12)) == 12
    assert sum(at(f"192.0.2.{number}, 198.51.100.7") for number in range(12)) == 10


def test_signing_in_uses_up_no_tries(operator, secret):
    for _ in range(15):
        assert give_password(browser_at("10.0.0.1")).status_code == 302


def test_ten_wrong_codes_for_an_account_are_looked_at(operator, secret):
    answers = []
    for number in range(12):
        browser = browser_at(f"10.0.0.{number}")
        give_password(browser)
        answers.append(give_code(browser, code_of(secret, steps=1_000 + number)).content)

    assert sum(b"Incorrect code" in answer for answer in answers) == 10
    assert sum(b"Too many failed login attempts" in answer for answer in answers) == 2


def test_asking_for_passkey_challenges_is_limited(database, db):
    browser = browser_at("10.0.0.9", HTTP_ACCEPT="application/json")

    answers = [browser.get("/account/login/passkey/") for _ in range(32)]

    assert [answer.status_code for answer in answers] == [200] * 30 + [429] * 2
    assert answers[-1]["Content-Type"].startswith("text/html")
    assert answers[-1]["Retry-After"] == "60"


def test_a_stranger_s_counts_do_not_push_out_others(database, db):
    cache.set("kept", "yes", 3_600)

    for number in range(700):
        cache.set(f"a-{number}", number, 3_600)

    assert cache.get("kept") == "yes"


def test_every_name_that_allauth_reverses_here_has_an_address():
    for name in ("account_login", "account_reauthenticate", "mfa_index", "mfa_authenticate", "account_set_password"):
        assert reverse(name).startswith("/account/")
