"""The account pages that differ from django-allauth's own: what makes a factor also counts as having shown it."""

from typing import Any

from allauth.account.views import LoginView
from allauth.core.internal import ratelimit
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from botwire_site.accounts import passkeys, second_factor


class SignIn(LoginView):
    """Name and password: the first step, which opens nothing by itself."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "is_second_factor_waived": not settings.OPERATOR_MFA}


class ActivateCodes(ActivateTOTPView):
    """The first factor that works everywhere: codes of an app."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        second_factor.note_passed(self.request, Authenticator.Type.TOTP)
        return response


class AddPasskey(AddWebAuthnView):
    """A passkey; one that can sign in alone unless the box is cleared."""

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "passwordless": True}

    def get_form(self, form_class: Any = None) -> AddWebAuthnForm:
        form = super().get_form(form_class)
        alone = form.fields["passwordless"]
        alone.label = "Sign in with it alone, without the password"
        alone.help_text = "It then asks for a PIN, finger or face itself. Clear this for a key that cannot."
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "passkeys_at": passkeys.place_of(self.request)}

    def form_valid(self, form: AddWebAuthnForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        second_factor.note_passed(self.request, Authenticator.Type.WEBAUTHN)
        return response


class NewRecoveryCodes(GenerateRecoveryCodesView):
    """New codes end the old ones, so a session that was opened with an old one goes on with the new."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        second_factor.note_passed(self.request, Authenticator.Type.RECOVERY_CODES)
        return response


class Factors(IndexView):
    """An operator's own factors, or the way to the first."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "passkeys_at": passkeys.place_of(self.request)}


class Verify(AuthenticateView):
    """The second step of signing in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        types = set(self.stage.login.user.authenticator_set.values_list("type", flat=True))
        return {**super().get_context_data(**kwargs), "types": types}


class SignInWithPasskey(LoginWebAuthnView):
    """Asking for a challenge stores one, so that is limited as well as answering it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal: HttpResponseBase | None = ratelimit.consume_or_429(
            request, app="allauth.mfa", action="challenge", config={"challenge": "30/m/ip"}, limit_get=True
        )
        return refusal or super().dispatch(request, *args, **kwargs)
