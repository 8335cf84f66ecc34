"""Sessions of operators on a server that runs: made past its pages, as somebody who has shown a second factor."""

import os
import subprocess
import sys

from tests.servers import ROOT, Server

SESSION = """
from importlib import import_module
from types import SimpleNamespace
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
user, _ = get_user_model().objects.get_or_create(username="{role}", defaults=dict(is_staff=True))
user.groups.add(Group.objects.get(name="{role}"))
factor = Authenticator.objects.filter(user=user).first() or TOTP.activate(user, generate_totp_secret()).instance
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
record_authentication(SimpleNamespace(session=session), user, "mfa", id=factor.pk, type=factor.type)
session.save()
print("SESSION", session.session_key)
"""


def environment_of(server: Server) -> dict[str, str]:
    """What a command needs in its environment to work on the database of a server."""
    database = {"DATABASE_URL": server.database_url} if server.database_url else {}
    return {**os.environ, "BOTWIRE_DATA": str(server.folder), **database}


def manage(server: Server, code: str) -> str:
    """What `code` prints in `manage.py shell`, with the settings and the database of a server."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v0", "--command", code]
    environment = environment_of(server)
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120)
    return ended.stdout


def session_on(server: Server, role: str) -> str:
    """The cookie of a new session of the operator of this role, and of the same name."""
    said = manage(server, SESSION.format(role=role))
    return next(line.split()[1] for line in said.splitlines() if line.startswith("SESSION"))
