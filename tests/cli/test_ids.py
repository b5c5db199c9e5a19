"""Names from before there was one spelling: they are listed as they are, and an account among them can be erased."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authsvc.bootstrap import command_line
from authsvc.cli.main import main
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.store import Transaction
from authsvc.operators.account import OperatorAccount
from authsvc.subject import Subject
from tests.support.service import NOON, Bench, embedded

NFD = unicodedata.normalize("NFD", "josé")
NAMES = {NFD: "NFC", "a\u200bnn": "200B", " ann": "white space", "\u202eann": "202E"}

Run = Callable[..., Result]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def run(bench: Bench) -> Run:
    def command(*args: str) -> Result:
        return CliRunner().invoke(main, ["ids", *args, "--data-dir", str(bench.settings.data_dir)])

    return command


def keep(bench: Bench, unit: Callable[[Transaction], object]) -> None:
    bench.wired.store.ledger.transact(unit)


def old(bench: Bench, user: str, status: AccountStatus = AccountStatus.ACTIVE) -> Subject:
    subject = Subject("shop", user)
    key = bench.wired.store.sealer.new_subject_key(subject)
    keep(bench, lambda tx: tx.accounts.add(Account(subject, NOON, status, sealing_key=key)))
    return subject


def test_there_is_nothing_to_list_where_every_name_is_canonical(bench: Bench, run: Run) -> None:
    bench.enroll("u_1")
    assert json.loads(run("--json").output) == []


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_user_whom_nobody_reaches_is_listed_and_erased(bench: Bench, run: Run, name: str) -> None:
    kept, subject = old(bench, "ann"), old(bench, name, AccountStatus.FROZEN)
    (found,) = json.loads(run("--json").output)
    assert found["kind"] == "user"
    assert found["shown"] == f"shop/{ascii(name)[1:-1]}"
    assert run().output.isascii()
    assert run("--erase", found["ref"]).exit_code == 0
    assert json.loads(run("--json").output) == []
    read = bench.wired.store.ledger.read
    erased, stays = read(lambda tx: (tx.accounts.find(subject), tx.accounts.find(kept)))
    assert erased is not None
    assert (erased.status, erased.sealing_key) == (AccountStatus.ERASED, None)
    assert stays is not None
    assert stays.status is AccountStatus.ACTIVE


def test_clients_and_operators_are_listed_and_never_erased(bench: Bench, run: Run) -> None:
    key = replace(bench.key, id="ak_old", client=NFD)
    operator = OperatorAccount("opr_1", "a\u200bnn", frozenset(), NOON)
    bench.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
    bench.wired.store.ledger.transact(lambda tx: tx.operators.add(operator))
    found = json.loads(run("--json").output)
    assert [each["kind"] for each in found] == ["client", "operator"]
    for each in found:
        refused = run("--erase", each["ref"])
        assert refused.exit_code == 1
        assert "no account is listed" in refused.output


def test_an_erasure_by_command_stands_in_the_audit(bench: Bench, run: Run) -> None:
    old(bench, NFD)
    (found,) = json.loads(run("--json").output)
    run("--erase", found["ref"])
    lines: Any = bench.services.records.audit_events(bench.key, None, 100)["events"]
    assert [line["actor"] for line in lines if line["action"] == "user.erase"] == [command_line.actor()]
