"""The forms by which operators act on namespaces: what is typed becomes one call of the domain, which judges it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms

from namespaces import moderation
from namespaces.errors import ActRefused
from namespaces.limits import LIMITS
from namespaces.moderation import STATUS_OF, Action

LIMIT_NAMES = [row.name for row in LIMITS if row.is_per_namespace]
UNTIL_FORMAT = "%Y-%m-%dT%H:%M"


class StatusForm(forms.Form):
    """A status, why, and until when: in UTC, empty for good."""

    action = forms.ChoiceField(choices=[(action, action) for action in STATUS_OF])
    reason = forms.CharField(required=False, max_length=4 * moderation.REASON_LENGTH)
    until = forms.DateTimeField(
        required=False, error_messages={"invalid": "Give a date and a time, such as 2026-01-31T09:00."}
    )

    def act(self, namespace: str, operator: str) -> None:
        """Do it to one namespace."""
        said = self.cleaned_data
        action, until = Action(said["action"]), said["until"]
        moderation.set_status(namespace, action, reason=said["reason"], until=until, operator=operator)


class LimitsForm(forms.Form):
    """Limits of one namespace. A field that was sent empty is the server's own limit again; one not sent stays."""

    reason = forms.CharField(required=False, max_length=4 * moderation.REASON_LENGTH)
    limit_writes_per_day = forms.IntegerField(required=False)
    limit_bytes = forms.IntegerField(required=False)
    limit_value_bytes = forms.IntegerField(required=False)

    def act(self, namespace: str, operator: str) -> None:
        """Do it to one namespace."""
        sent = {name: self.cleaned_data[f"limit_{name}"] for name in LIMIT_NAMES if f"limit_{name}" in self.data}
        moderation.set_limits(namespace, sent, reason=self.cleaned_data["reason"], operator=operator)


ActForm = StatusForm | LimitsForm


def act_form_of(sent: Mapping[str, Any]) -> ActForm:
    """The form that was filled in, by its `action`."""
    return LimitsForm(sent) if sent.get("action") == Action.LIMITS else StatusForm(sent)


def attempt(form: ActForm, act: Callable[[], Any]) -> Any:
    """What `act` returns where the form can be understood and the domain does it; else None, and the form says why."""
    if not form.is_valid():
        return None
    try:
        return act()
    except ActRefused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        return None


def as_typed(moment: datetime | None) -> str:
    """A moment as a form's field for one holds it, in UTC."""
    return f"{moment.astimezone(UTC):{UNTIL_FORMAT}}" if moment else ""
