"""The audit names whoever acts at the command line."""

import os
import pwd

import pytest

from authsvc.bootstrap import command_line


def test_an_account_is_named() -> None:
    assert command_line.actor() == f"command-line:{pwd.getpwuid(os.getuid()).pw_name}"


def test_one_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is run under any number."""
    nobodys = next(number for number in range(60_000, 70_000) if not _is_named(number))
    monkeypatch.setattr(os, "getuid", lambda: nobodys)
    assert command_line.actor() == f"command-line:{nobodys}"


def _is_named(number: int) -> bool:
    return number in {each.pw_uid for each in pwd.getpwall()}
