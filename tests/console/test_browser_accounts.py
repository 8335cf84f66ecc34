"""Signing in with a real browser against a real server: passkeys from a virtual authenticator, codes without script."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import SCHEMES, WIDTHS, axe_violations, scrolls_sideways
from tests.conftest import Server

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Operator:
    """The person at one browser: what they type and press, and what the browser complained of."""

    def __init__(self, browser: Browser, server: Server, **options) -> None:
        self.url = f"http://localhost:{server.port}"
        self.password = re.search(r"^ {6}(\S+)$", server.log.read_text(), re.MULTILINE)[1]
        self.context: BrowserContext = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self._complain(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("request", lambda asked: None if asked.url.startswith(self.url) else self._complain(asked.url))

    def _complain(self, fault: str) -> None:
        self.faults.append(f"{self.page.url}: {fault}")

    def open(self, path: str) -> None:
        assert self.page.goto(self.url + path).status == 200, path

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        ).click()
        self.page.wait_for_load_state("networkidle")

    def give_password(self) -> None:
        self.open("/admin/")
        self.page.get_by_label("Username").fill("operator")
        self.page.get_by_label("Password").fill(self.password)
        self.press("Sign in")

    def give_code(self, code: str, button: str) -> None:
        self.page.get_by_role("textbox").fill(code)
        self.press(button)

    def get_authenticator(self) -> None:
        """Plug a virtual authenticator in, as Chromium's developer tools can."""
        tools = self.context.new_cdp_session(self.page)
        tools.send("WebAuthn.enable")
        tools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    def make_passkey(self) -> None:
        self.open("/account/passkeys/add/")
        self.press("Make the passkey")
        self.page.get_by_role("heading", name="Recovery codes").wait_for()

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_load_state("networkidle")

    @property
    def is_in(self) -> bool:
        return self.page.url == f"{self.url}/admin/"


def code_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.fixture
def operator(make_server, browser):
    """An operator at a new server, with the password that `serve` has shown."""
    person = Operator(browser, make_server())
    yield person
    person.context.close()


def test_a_passkey_is_made_and_signs_in_again_alone_and_after_the_password(operator):
    operator.get_authenticator()

    operator.give_password()
    assert operator.page.get_by_role("heading").inner_text() == "One more step: a second factor"
    operator.press("A passkey")
    operator.press("Make the passkey")
    operator.page.get_by_role("heading", name="Recovery codes").wait_for()
    operator.press("I have kept them")
    assert operator.is_in

    operator.sign_out()
    operator.open("/account/login/")
    operator.page.get_by_role("button", name="Sign in with a passkey").click()
    operator.page.wait_for_url(f"{operator.url}/admin/")

    operator.sign_out()
    operator.give_password()
    operator.page.get_by_role("button", name="Use a passkey").click()
    operator.page.wait_for_url(f"{operator.url}/admin/")

    assert operator.faults == []


@pytest.mark.only_on("sqlite")
def test_a_browser_without_the_passkey_is_told_and_let_in_nowhere(operator, browser):
    operator.get_authenticator()
    operator.give_password()
    operator.make_passkey()
    operator.sign_out()
    operator.context.new_cdp_session(operator.page).send("WebAuthn.disable")
    operator.get_authenticator()  # another one, which is empty

    operator.give_password()
    operator.page.get_by_role("button", name="Use a passkey").click()

    operator.page.get_by_text("No passkey was used").wait_for()
    assert operator.page.goto(f"{operator.url}/admin/").url != f"{operator.url}/admin/"


@pytest.mark.only_on("sqlite")
def test_codes_work_without_script(make_server, browser):
    operator = Operator(browser, make_server(), java_script_enabled=False)

    operator.give_password()
    operator.press("Codes from an app")
    secret = operator.page.locator(".secret").inner_text()
    operator.give_code(code_now(secret), "Use these codes")
    operator.press("I have kept them")
    assert operator.is_in

    operator.sign_out()
    operator.give_password()
    operator.give_code("00000000", "Go on")
    assert operator.page.get_by_text("Incorrect code").is_visible()
    assert not operator.is_in
    operator.context.close()


@pytest.mark.only_on("sqlite")
def test_at_an_address_the_pages_lead_to_localhost_for_a_passkey(operator):
    operator.url = operator.url.replace("localhost", "127.0.0.1")
    operator.give_password()

    link = operator.page.get_by_role("link", name="open this page at localhost").get_attribute("href")

    assert link == operator.url.replace("127.0.0.1", "localhost") + "/account/"
    assert operator.page.get_by_role("link", name="A passkey").count() == 0


@pytest.mark.only_on("sqlite")
def test_the_account_pages_suit_every_eye_and_break_no_policy(operator):
    """Every page that there is, as it is met, in light and dark, wide and narrow."""
    operator.get_authenticator()
    look(operator, "/account/login/", "sign-in")
    operator.give_password()
    look(operator, "/account/", "first-factor")
    look(operator, "/account/codes/activate/", "codes")
    look(operator, "/account/passkeys/add/", "passkey")
    operator.make_passkey()
    paths = ["/account/recovery-codes/", "/account/recovery-codes/new/", "/account/", "/account/passkeys/"]
    for path in [*paths, "/account/password/", "/account/confirm/", "/account/confirm/passkey/", "/account/logout/"]:
        look(operator, path, path.strip("/").replace("/", "-"))
    for name in ("Rename", "Remove"):
        operator.open("/account/passkeys/")
        address = operator.page.get_by_role("link", name=re.compile(name)).get_attribute("href")
        look(operator, address, name.lower())
    for path in ("/admin/", "/admin/auth/user/", "/admin/auth/user/1/change/", "/admin/auth/user/add/"):
        look(operator, path, path.strip("/").replace("/", "-"))
    operator.sign_out()
    operator.give_password()
    look(operator, "/account/login/verify/", "verify")


def look(operator: Operator, path: str, name: str) -> None:
    for scheme in SCHEMES:
        operator.page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            operator.page.set_viewport_size({"width": width, "height": 900})
            operator.open(path)
            assert operator.faults == []
            assert not scrolls_sideways(operator.page), f"{name} {scheme} {width}"
            assert axe_violations(operator.page) == [], f"{name} {scheme} {width}"
            operator.faults.clear()  # what axe itself does to load the admin's style sheets breaks the policy
