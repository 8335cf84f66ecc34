"""The account pages there are, below /account/, under the names that django-allauth reverses.

Its other pages (signing up, e-mail, password by mail, social accounts) have no address. Pages without a guard here are
those that lead to a session; each of them refuses or redirects by itself whoever has no business there.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path
from django.views.decorators.cache import never_cache

from botwire_site.accounts import views
from botwire_site.accounts.second_factor import enrolling, passed

urlpatterns = [
    path("login/", never_cache(views.SignIn.as_view()), name="account_login"),
    path("login/verify/", never_cache(views.Verify.as_view()), name="mfa_authenticate"),
    path("login/passkey/", never_cache(views.SignInWithPasskey.as_view()), name="mfa_login_webauthn"),
    path("inactive/", never_cache(account.account_inactive), name="account_inactive"),
    path("logout/", never_cache(account.logout), name="account_logout"),
    path("password/", passed(account.password_change), name="account_change_password"),
    path("password/set/", passed(account.password_set), name="account_set_password"),
    path("confirm/", enrolling(account.reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", passed(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("confirm/passkey/", passed(webauthn.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("", enrolling(views.Factors.as_view()), name="mfa_index"),
    path("codes/activate/", enrolling(views.ActivateCodes.as_view()), name="mfa_activate_totp"),
    path("codes/remove/", passed(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("passkeys/", passed(webauthn.list_webauthn), name="mfa_list_webauthn"),
    path("passkeys/add/", enrolling(views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("passkeys/<int:pk>/remove/", passed(webauthn.remove_webauthn), name="mfa_remove_webauthn"),
    path("passkeys/<int:pk>/edit/", passed(webauthn.edit_webauthn), name="mfa_edit_webauthn"),
    path("recovery-codes/", passed(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", passed(views.NewRecoveryCodes.as_view()), name="mfa_generate_recovery_codes"),
    path("recovery-codes/file/", passed(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
]
