"""What operators do to namespaces, each act one transaction with its row in the moderation log.

It knows no account: an operator is a name. Purging, which takes longer than a transaction, is in `namespaces.purging`.
"""

from datetime import datetime
from typing import Any

from namespaces import clock
from namespaces.models import ModerationAction

Action = ModerationAction.Action


def record(
    action: Action,
    *,
    operator: str,
    reason: str,
    namespace: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> ModerationAction:
    """Add a row to the moderation log; to be called in the transaction of the act itself."""
    return ModerationAction.objects.create(
        at=now or clock.now(),
        operator=operator,
        action=action,
        namespace=namespace,
        reason=reason,
        before=before or {},
        after=after or {},
    )
