"""What administrators do to accounts: who may touch which, and each act one transaction with its row in the log.

Accounts are deactivated, never deleted: Django would remove what its admin noted about their acts with them.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Q, QuerySet

from namespaces import moderation


def may_manage(administrator: User, account: User) -> bool:
    """Whether `account` has nothing that `administrator` lacks: whoever sets its password could act as it.

    An account that is not active counts with all that it would have.
    """
    if administrator.is_superuser:
        return True
    return not account.is_superuser and _permissions(account) <= _permissions(administrator)


def roles_to_give(administrator: User) -> QuerySet[Group]:
    """The roles that grant nothing beyond what `administrator` has."""
    if administrator.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=_permissions(administrator))
    return Group.objects.exclude(permissions__in=beyond)


def _permissions(account: User) -> set[int]:
    granted = Permission.objects.filter(Q(group__user=account) | Q(user=account))
    return set(granted.values_list("pk", flat=True))


def facts_of(account: User) -> dict[str, Any]:
    """What the log keeps about an account."""
    return {
        "account": account.get_username(),
        "roles": sorted(account.groups.values_list("name", flat=True)),
        "is_active": account.is_active,
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
    }


def record_change(account: User, *, by: str, reason: str, before: dict[str, Any], did: str) -> None:
    """Log what was done to an account; to be called in the transaction that did it."""
    after = {**facts_of(account), "did": did}
    moderation.record(moderation.Action.ACCOUNT, operator=by, reason=reason, before=before, after=after)


@transaction.atomic
def reset_second_factor(account: User, *, by: str, reason: str) -> None:
    """Remove all second factors of an account, and with them what its open sessions may do.

    Whoever has its password makes a new factor at the next sign-in.
    """
    factors = Authenticator.objects.filter(user=account)
    before = {**facts_of(account), "factors": sorted(factors.values_list("type", flat=True))}
    factors.delete()
    record_change(account, by=by, reason=reason, before=before, did="second factor reset")
