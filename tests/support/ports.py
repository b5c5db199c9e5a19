"""Ports for servers that a test starts."""

import random
import socket

# Below the kernel's ephemeral range, so that no outgoing connection takes the port before the server does.
_LOWEST, _HIGHEST = 20_000, 32_700


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens now."""
    for port in random.sample(range(_LOWEST, _HIGHEST), k=200):
        if _can_listen(port):
            return port
    raise OSError(f"200 ports between {_LOWEST} and {_HIGHEST} are all in use")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
