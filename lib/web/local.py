"""Who may ask: some addresses answer this machine only."""

from ipaddress import ip_address
from typing import Final

from starlette.requests import HTTPConnection

# A proxy on this machine makes every request look local; it says so in one of these.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


def asks_from_this_machine(request: HTTPConnection) -> bool:
    """Whether a request comes from a program on this machine, and not through a proxy."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
