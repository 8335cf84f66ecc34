"""Where passkeys can be made: browsers tie each to a host name and want HTTPS, `localhost` excepted."""

import ipaddress
from urllib.parse import urlsplit

from django.http import HttpRequest


def place_of(request: HttpRequest) -> str:
    """Empty where passkeys work; else the address of this same page at which they do, or `https` for want of one."""
    host = urlsplit(f"//{request.get_host()}")
    name = host.hostname or ""
    if name == "localhost" or (request.is_secure() and not _is_address(name)):
        return ""
    if _is_address(name) and ipaddress.ip_address(name).is_loopback:
        port = f":{host.port}" if host.port else ""
        return f"{request.scheme}://localhost{port}{request.path}"
    return "https"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
