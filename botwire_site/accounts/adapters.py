"""What django-allauth asks of a site, where BotWire answers otherwise than its defaults."""

import time
from typing import Any

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from qrcode.image.svg import SvgPathImage

from api.requests import address_of, network_of

_WAYS = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):
    """Failed sign-ins are counted per network, and per name *as tried from one network*.

    So whoever tries an operator's name from elsewhere uses up their own tries, never the operator's.
    """

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or "unknown"  # a Unix socket has no address

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"{network_of(self.get_client_ip(request))} {credentials.get('username', '').casefold()}"

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        return [{**way, "description": _WAYS[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """Whether changing factors asks for the password or a factor again: not where that was just given."""
        records = get_authentication_records(context.request, context.request.user)
        return not records or time.time() - records[-1]["at"] > REAUTHENTICATION_TIMEOUT


class SecondFactorAdapter(DefaultMFAAdapter):
    """Names for people, and a QR code that stands in the page itself: the policy allows no `data:` image."""

    def build_totp_svg(self, url: str) -> str:
        drawn: str = qrcode.make(url, image_factory=SvgPathImage).to_string(encoding="unicode")
        return drawn

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"
