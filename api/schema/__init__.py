"""What the OpenAPI description says of each operation: shapes, answers, examples. Nothing is checked here."""

from api.schema.coordination import acquire_lease, claim, get_lease, release_lease, renew_lease
from api.schema.memory import (
    batch,
    change_entry,
    clear_entries,
    delete_entry,
    get_changes,
    get_entry,
    get_namespace,
    list_entries,
    set_entry,
)
from api.schema.past import (
    cancel_rollback,
    get_history,
    get_quarantine,
    get_rollback,
    quarantine,
    release_writer,
    restore,
    rollback,
)
from api.schema.portability import export, import_
from api.schema.tokens import claim_namespace, get_token, list_tokens, revoke_token, rotate_token, share_token

__all__ = [
    "acquire_lease",
    "batch",
    "cancel_rollback",
    "change_entry",
    "claim",
    "claim_namespace",
    "clear_entries",
    "delete_entry",
    "export",
    "get_changes",
    "get_entry",
    "get_history",
    "get_lease",
    "get_namespace",
    "get_quarantine",
    "get_rollback",
    "get_token",
    "import_",
    "list_entries",
    "list_tokens",
    "quarantine",
    "release_lease",
    "release_writer",
    "renew_lease",
    "restore",
    "revoke_token",
    "rollback",
    "rotate_token",
    "set_entry",
    "share_token",
]
