"""What `make run` ends with: lines that a newcomer can paste, and that do what is said of them."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import urllib3

from authsvc.cli.demo.first_payer import KEPT, LARGE, SMALL, FirstPayer, first_payer
from authsvc.cli.demo.service import OwnService
from authsvc.client import AuthsvcClient


def pasted(line: str) -> Any:
    """The answer that curl would print."""
    program, silent, url, *rest = shlex.split(line)
    assert (program, silent) == ("curl", "-s")
    headers = dict(rest[at + 1].split(": ", 1) for at in range(0, len(rest) - 2, 2))
    return urllib3.request("POST", url, body=rest[-1].encode(), headers=headers, timeout=20).json()


@pytest.mark.timeout(180)
def test_the_first_payer_is_approved_and_asked_and_stays_the_same(model_dir: Path, tmp_path: Path):
    with (
        OwnService(model_dir) as service,
        AuthsvcClient(service.url, service.api_key, client="demo-shop", timeout=30.0) as client,
    ):
        payer = first_payer(client, service.url, tmp_path)
        small = pasted(payer.decide(service.url, service.api_key, "coffee", SMALL))
        assert (small["status"], small["level"]) == ("approved", "none")
        large = pasted(payer.decide(service.url, service.api_key, "phone", LARGE))
        assert large["status"] == "challenge_required"
        assert large["challenge"]["url"].rpartition("/")[0].endswith("/c")
        assert first_payer(client, service.url, tmp_path) == payer
        kept = tmp_path / KEPT
        assert kept.stat().st_mode & 0o077 == 0
        kept.write_text(kept.read_text().replace(payer.user_id, "u_of_another_database"))
        another = first_payer(client, service.url, tmp_path)
        assert isinstance(another, FirstPayer)
        assert another.user_id not in (payer.user_id, "u_of_another_database")
