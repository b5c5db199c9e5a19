"""Operators change the policy of a running service: on the command line and over HTTP, with its own workers and backtests."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authsvc.bootstrap.opening import Store, open_store
from authsvc.cli.main import main
from authsvc.config import Settings
from authsvc.domain.operator import Role
from tests.guarantees.people import Person, Shop, expect, race
from tests.support.live import LiveService
from tests.support.operators import signed_in
from tests.support.policies import WEAKER, milder, numbered, stricter
from tests.support.slowness import slowness


class Staff:
    """Operators at the command line, each with a session of their own in a file."""

    def __init__(self, live: LiveService, store: Store, folder: Path) -> None:
        self.live = live
        self._folder = folder
        self._sessions = {
            name: signed_in(store, f"{name} {secrets.token_hex(4)}", *roles)[1]
            for name, roles in {
                "ann": (Role.ANALYST,),
                "bob": (Role.APPROVER,),
                "cai": (Role.ANALYST, Role.APPROVER),
                "eve": (Role.AUDITOR,),
            }.items()
        }

    def run(self, who: str, *arguments: str) -> Result:
        session = self._folder / who
        session.write_text(self._sessions[who])
        where = ["--service", f"http://127.0.0.1:{self.live.port}", "--session-file", str(session), "--json"]
        return CliRunner().invoke(main, ["policy", *arguments, *where])

    def told(self, who: str, *arguments: str, exit_code: int = 0) -> Any:
        done = self.run(who, *arguments)
        assert done.exit_code == exit_code, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def refused(self, who: str, *arguments: str) -> str:
        done = self.run(who, *arguments)
        assert done.exit_code == 1
        return done.stderr

    def draft(self, text: str, who: str = "ann", exit_code: int = 0) -> str:
        path = self._folder / "document.toml"
        path.write_text(text)
        return str(self.told(who, "draft", str(path), exit_code=exit_code)["id"])

    def free_number(self) -> int:
        """The services of this folder are shared, and so are the numbers of their policies."""
        found = self.told("ann", "versions")["versions"]
        return max(each["policy"]["version"] or 0 for each in found) + 1

    def ask(self, who: str, path: str, **headers: str) -> Any:
        headers |= {"Authorization": f"Operator {self._sessions[who]}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = secrets.token_hex(8)
        return self.live.ask("POST", f"/v1/policies{path}", headers, b"{}")


@pytest.fixture
def staff(service: LiveService, tmp_path: Path) -> Iterator[Staff]:
    store = open_store(Settings(data_dir=service.data_dir, database_url=service.database_url))
    yield Staff(service, store, tmp_path)
    store.close()


def test_a_change_is_brought_in_tried_approved_activated_and_taken_back(staff: Staff, shop: Shop) -> None:
    person = Person(shop)
    payment = expect(shop.decide(shop.payment(person, 90_000)), 201)
    version = staff.draft(stricter(staff.free_number()))
    report = staff.told("ann", "replay", version)["report"]
    assert report["mismatch"] is None
    assert report["migrations"]["none"]["otp"] >= 1
    staff.told("ann", "shadow", version, "--start")
    time.sleep(slowness())
    for _ in range(4):
        assert expect(shop.decide(shop.payment(person, 90_000)), 201)["level"] == payment["level"] == "none"
    moves = _awaited_moves(staff, version)
    assert moves == {("none", "otp"): 4}
    staff.told("bob", "approve", version, "--note", "agreed")
    active = staff.told("bob", "activate", version)
    time.sleep(slowness())
    assert expect(shop.decide(shop.payment(person, 90_000)), 201)["level"] == "otp"
    staff.told("bob", "rollback", "--replacing", active["etag"])
    assert [each["how"] for each in staff.told("eve", "history")["publications"][:2]] == [
        "rolled_back",
        "activated",
    ]
    assert staff.live.audit_report()["sound"]


def test_who_may_not_is_told_so(staff: Staff) -> None:
    version = staff.draft(stricter(staff.free_number()), "cai")
    assert "another person" in staff.refused("cai", "approve", version)
    assert "role" in staff.refused("ann", "activate", version)
    assert "role" in staff.refused("eve", "shadow", version, "--start")


def test_a_document_that_weakens_needs_a_name(staff: Staff) -> None:
    version = staff.draft(milder(staff.free_number()), exit_code=1)
    assert WEAKER in staff.refused("bob", "approve", version)
    assert staff.told("bob", "approve", version, "--accept", WEAKER)["state"] == "approved"


def test_of_activations_over_http_at_the_same_moment_one_wins(staff: Staff) -> None:
    free = staff.free_number()
    versions = [staff.draft(numbered(number)) for number in range(free, free + 4)]
    for version in versions:
        staff.told("bob", "approve", version)
    etag = staff.told("bob", "history")["publications"][0]["etag"]
    answers = race(
        8, lambda number: staff.ask("bob", f"/{versions[number % 4]}/activate", **{"If-Match": f'"{etag}"'})
    )
    assert Counter((answer.status, answer.slug) for answer in answers) == {
        (200, None): 1,
        (412, "policy-conflict"): 7,
    }
    staff.told("bob", "rollback")


def _awaited_moves(staff: Staff, version: str) -> dict[tuple[str, str], int]:
    """What the workers have counted, once all of them have put it into the store."""
    deadline = time.monotonic() + 90
    while True:
        found = staff.told("eve", "shadow", version)
        if found["compared"] >= 4 or time.monotonic() > deadline:
            return {(move["before"], move["after"]): move["decisions"] for move in found["moves"]}
        time.sleep(0.1)
