"""What the log says of rows and what is there, compared without holding either in memory."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from authsvc.audit.chain import ROWS_WRITTEN, Link
from authsvc.storage import following
from authsvc.storage.following import Place, Strays


def line(seq: int, brought: list[str], taken: list[str], action: str = ROWS_WRITTEN) -> Link:
    body = json.dumps(
        {"action": action, "details": {"brought": brought, "taken": taken}}, separators=(",", ":")
    )
    return Link("chain", seq, "", body, "")


@pytest.mark.parametrize("most_pending", [0, 7, 10_000])
def test_it_counts_as_a_counter_does_however_often_it_writes(
    monkeypatch: pytest.MonkeyPatch, most_pending: int
) -> None:
    monkeypatch.setattr(following, "_MOST_PENDING", most_pending)
    chance, expected = Random(most_pending), Counter[str]()
    macs = [f"{number:024x}" for number in range(60)]
    lines = []
    for seq in range(1, 200):
        brought, taken = chance.choices(macs, k=3), chance.choices(macs, k=3)
        expected.update(brought)
        expected.subtract(taken)
        lines.append(line(seq, brought, taken))
    with Strays() as strays:
        strays.follow(lines)
        assert {mac: times for mac, times, _ in strays.left()} == {
            mac: times for mac, times in expected.items() if times
        }


def test_a_row_is_known_as_often_as_the_log_says_and_the_last_line_is_named() -> None:
    other = line(3, ["aa"], [], action="rows.adopt")
    with Strays() as strays:
        strays.follow([line(1, ["aa", "aa", "bb"], []), line(2, ["cc"], ["aa"]), other, line(4, [], ["dd"])])
        assert [strays.take(mac) for mac in ("aa", "aa", "cc", "dd", "ee")] == [
            True,
            False,
            True,
            False,
            False,
        ]
        left = list(strays.left())
    assert left == [
        ("aa", -1, Place("chain", 2)),
        ("bb", 1, Place("chain", 1)),
        ("dd", -2, Place("chain", 4)),
        ("ee", -1, Place("", 0)),
    ]
