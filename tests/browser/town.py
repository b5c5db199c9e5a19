"""The service and the demo shop as processes of their own, for people in browsers."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.support.live import PROGRAM, LiveService
from tests.support.ports import free_port
from tests.support.server import Server


class DemoShop(Server):
    """`authsvc demo-shop` against a running service."""

    def __init__(self, service: LiveService, folder: Path) -> None:
        port = free_port()
        command = [PROGRAM, "demo-shop", "--service", f"http://localhost:{service.port}"]
        command += ["--port", str(port), "--data-dir", str(service.data_dir)]
        super().__init__(command, port=port, log=folder / "shop.log")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
