"""`manage.py serve`: the whole service. It prepares the database, while gunicorn starts; see `botwire_site.serving`."""

import argparse
import os
import secrets
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.utils import OperationalError

from botwire_site import serving

OPERATOR = "operator"


class Command(BaseCommand):
    help = "Run BotWire: prepare the database, then serve it until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        serving.add_arguments(parser)

    def handle(self, *, bind: str, workers: int, **options: Any) -> None:
        try:
            service = serving.begun or serving.begin(serving.Service(bind, workers))
            self._prepare()
            connection.close()
            service.start()
            self._announce(bind, workers)
            service.watch()
        except serving.Unservable as error:
            raise CommandError(str(error)) from error

    def _prepare(self) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        try:
            call_command("migrate", verbosity=0, interactive=False)
            call_command("createcachetable", verbosity=0)
            password = _create_first_operator()
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from error
        if password:
            self._say("", f"  An operator account was made. Sign in at /admin/ as {OPERATOR!r} with the password")
            self._say("", f"      {password}", "", "  It is shown this once, and stored only as a hash.", "")

    def _announce(self, bind: str, workers: int) -> None:
        database = connection.settings_dict
        place = database["NAME"] if connection.vendor == "sqlite" else f"{database['HOST']}/{database['NAME']}"
        self._say(
            f"BotWire serves on http://{bind} with {workers} worker{'s'[: workers != 1]}. Ctrl-C stops it.",
            f"  database   {connection.vendor}, {place}",
            f"  data       {settings.DATA_DIR}",
            f"  API docs   http://{bind}/api/docs/",
            f"  operators  http://{_name_of(bind)}/admin/",
        )
        if not settings.OPERATOR_MFA:
            self._say(
                "  WARNING: operators sign in with a password alone (BOTWIRE_OPERATOR_MFA=0).",
                "           Never on a server that others reach.",
            )

    def _say(self, *lines: str) -> None:
        try:
            for line in lines:
                self.stdout.write(line)
            self.stdout.flush()
        except OSError:  # nobody reads any more: the window was closed, or the pipe's other end. That is no fault.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _name_of(bind: str) -> str:
    """Where a browser on this machine finds the server: by name, since passkeys are made for names alone."""
    host, _, port = bind.rpartition(":")
    return f"localhost:{port}" if host in ("127.0.0.1", "[::1]") else bind


def _create_first_operator() -> str | None:
    """Make the operator account where there is no administrator yet, and return its password; it is kept nowhere."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    users.create_superuser(username=OPERATOR, email="", password=password)
    return password
