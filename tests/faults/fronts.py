"""The real nginx and HAProxy with the configurations of deploy/, in front of a server of the tests."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.polling import wait_until
from tests.servers import ROOT, free_port

DEPLOY = ROOT / "deploy"
BEHIND = "127.0.0.1:8000"  # where the configurations expect BotWire
# What the distribution's own nginx.conf has around the files of conf.d, but all of it in a folder of the tests.
NGINX = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/botwire.conf;
}}
"""


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """nginx in front of the port `upstream`; the port it listens on."""
    port, settings = free_port(), (DEPLOY / "nginx.conf").read_text()
    (folder / "botwire.conf").write_text(_placed(settings, "listen 80;", f"listen 127.0.0.1:{port};", upstream))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=getpass.getuser()))
    yield from _running("nginx", ["-p", str(folder), "-c", str(folder / "nginx.conf")], port)


@contextmanager
def haproxy(folder: Path, upstream: int) -> Iterator[int]:
    """HAProxy in front of the port `upstream`; the port it listens on."""
    port, settings = free_port(), (DEPLOY / "haproxy.cfg").read_text()
    (folder / "haproxy.cfg").write_text(_placed(settings, "bind :80\n", f"bind 127.0.0.1:{port}\n", upstream))
    yield from _running("haproxy", ["-db", "-f", str(folder / "haproxy.cfg")], port)


FRONTS = {"nginx": nginx, "haproxy": haproxy}


def _placed(settings: str, listen: str, here: str, upstream: int) -> str:
    """The shipped settings, with nothing changed but the two addresses."""
    assert settings.count(listen) == settings.count(BEHIND) == 1
    return settings.replace(listen, here).replace(BEHIND, f"127.0.0.1:{upstream}")


def _running(name: str, arguments: list[str], port: int) -> Iterator[int]:
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {name} on this machine: apt-get install {name}")
    process = subprocess.Popen([program, *arguments])
    try:
        wait_until(lambda: process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        assert process.poll() is None, f"{name} refuses its configuration"
        yield port
    finally:
        process.terminate()
        process.wait(30)
