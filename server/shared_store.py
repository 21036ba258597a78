"""Valkey or Redis, which servers share: the address, and how long it may take to answer."""

from typing import Any
from urllib.parse import urlsplit

from valkey.asyncio.connection import parse_url

SCHEMES = ("valkey", "valkeys", "redis", "rediss")
TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
"""Seconds. It is asked for every request, so a slow one is as good as none."""


class SharedStoreError(Exception):
    """The setting is no address of a Valkey or Redis server."""


def shared_store_url(given: str) -> str:
    """The address with the scheme that the client knows. Raises `SharedStoreError`."""
    try:
        url = urlsplit(given)
        known = url._replace(scheme=url.scheme.replace("redis", "valkey")).geturl()
        parse_url(known)  # the client's own opinion: ports and options that are no numbers
        if url.scheme in SCHEMES and url.hostname:
            return known
    except ValueError:  # its message may hold the password
        pass
    raise SharedStoreError("The setting 'valkey' must be a URL such as valkey://host:6379/0 or redis://host/1.")
