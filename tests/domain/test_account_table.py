"""The table of acts: the page shows what the code asks, and everything that it names exists."""

from pathlib import Path

from authsvc.domain.account_table import ACTS, PROVED, TABLE, Act
from authsvc.events import TAGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security-model.md"


def row(act: Act) -> str:
    told = ", ".join(f"`{tag}`" for tag in act.told) or "nobody"
    cells = (f"`{act.name}`", act.proof.value, act.changes, act.effect, told, act.undone)
    return f"| {' | '.join(cells)} |"


def test_the_page_shows_the_table_and_no_other_row():
    _, _, acts = PAGE.read_text().partition("## Acts")
    shown = [line for line in acts.splitlines() if line.startswith("| `")]
    assert shown == [row(act) for act in TABLE]


def test_every_act_is_there_once_and_tells_only_of_events_that_exist():
    assert len(ACTS) == len(TABLE)
    assert {tag for act in TABLE for tag in act.told} <= set(TAGS)


def test_what_must_be_proved_first():
    assert {"enrollment", "unfreeze", "erasure", "restore"} == PROVED
    assert {act.name for act in TABLE if act.suspended} == {"restore"}
