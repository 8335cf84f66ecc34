"""Accounts and roles in Django's admin: who may change what about whom, always with a reason."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path

from botwire_site.accounts import operators

admin.site.unregister([Authenticator, EmailAddress, Group, User])  # a factor's secret is for nobody to see


def _reason() -> forms.CharField:
    return forms.CharField(
        label="Reason", widget=forms.Textarea(attrs={"rows": 2}), help_text="Kept in the moderation log."
    )


class AccountForm(UserChangeForm):  # type: ignore[type-arg]
    reason = _reason()


class NewAccountForm(UserCreationForm):  # type: ignore[type-arg]
    reason = _reason()


class NewPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Another operator's password; an account without one is no use here, so that choice is not offered."""

    reason = _reason()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        for name in ("password1", "password2"):
            self.fields[name].required = True


class ReasonForm(forms.Form):
    reason = _reason()


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """The roles to look at: migrations make them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    """Operators' accounts. Nobody gives more than they have, and nothing is deleted (see `accounts.operators`)."""

    form = AccountForm
    add_form = NewAccountForm
    change_password_form = NewPasswordForm
    change_form_template = "admin/account_form.html"
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "groups", "reason")}),)
    list_display = ("username", "role", "is_active", "is_superuser", "has_second_factor", "last_login")
    list_filter = ("is_active", "groups")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    @admin.display(description="Roles")
    def role(self, account: User) -> str:
        return ", ".join(sorted(group.name for group in account.groups.all()))

    @admin.display(description="Second factor", boolean=True)
    def has_second_factor(self, account: User) -> bool:
        return bool(account.has_factor)  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factors = Authenticator.objects.filter(user=OuterRef("pk"))
        accounts: QuerySet[User] = super().get_queryset(request)
        return accounts.prefetch_related("groups").annotate(has_factor=Exists(factors))

    # --- what may be changed, and by whom

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        is_super, may_change = request.user.is_superuser, self.has_change_permission(request, obj)
        return (
            (None, {"fields": ("username", *(["password"] if may_change else []))}),
            ("Role", {"fields": ("is_active", "is_staff", *(["is_superuser"] if is_super else []), "groups")}),
            *([("Why", {"fields": ("reason",)})] if may_change else []),
            ("Times", {"fields": ("last_login", "date_joined")}),
        )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or operators.may_manage(_operator(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = operators.roles_to_give(_operator(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "is_staff" and field is not None:
            field.label, field.help_text = "Operator", "Only operators can open these pages."
        return field

    # --- what is recorded

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            obj.facts_before = operators.facts_of(User.objects.get(pk=obj.pk))  # type: ignore[attr-defined]
        else:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        self._record(request, obj, before={}, did="account made")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        before = getattr(obj, "facts_before", None)
        did = "password set" if before is None else "account changed"
        self._record(request, obj, before=before or operators.facts_of(obj), did=did)
        return super().log_change(request, obj, message)

    def _record(self, request: HttpRequest, account: User, *, before: dict[str, Any], did: str) -> None:
        by = _operator(request).get_username()
        operators.record_change(account, by=by, reason=request.POST["reason"].strip(), before=before, did=did)

    # --- pages of their own

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.reset_second_factor)
        return [path("<int:number>/second-factor/", page, name="auth_user_second_factor"), *super().get_urls()]

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        if id == str(request.user.pk):  # one's own is changed where the old one is asked for
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

    def reset_second_factor(self, request: HttpRequest, number: int) -> HttpResponseBase:
        """Ask for a reason, then remove an operator's factors; one's own are changed on the account page."""
        account = get_object_or_404(User, pk=number)
        if account == request.user or not self.has_change_permission(request, account):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            operators.reset_second_factor(account, by=_operator(request).get_username(), reason=reason)
            messages.success(request, f"The second factor of {account} is reset.")
            return redirect("admin:auth_user_change", account.pk)
        context = {**self.admin_site.each_context(request), "title": "Reset the second factor", "opts": self.opts}
        return TemplateResponse(request, "admin/second_factor.html", {**context, "account": account, "form": form})


def _operator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
