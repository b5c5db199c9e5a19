"""The table of acts: the page shows what the code asks, and everything that it names exists."""

from pathlib import Path

from authsvc.domain.account_table import ACTS, PROVED, TABLE, Act
from authsvc.events import TAGS
from authsvc.web.registry import OPERATIONS

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


CALLS = {
    "PATCH /v1/overviews/{overview_id}": "verify-always",
    "PATCH /v1/overviews/{overview_id}/devices/{device_id}": "rename",
    "DELETE /v1/overviews/{overview_id}/devices/{device_id}": "removal",
    "DELETE /v1/overviews/{overview_id}/biometrics/face": "withdrawal",
    "DELETE /v1/overviews/{overview_id}/biometrics/voice": "withdrawal",
    "DELETE /v1/overviews/{overview_id}/biometrics/gait": "withdrawal",
    "DELETE /v1/overviews/{overview_id}/factors/otp": "veto",
    "DELETE /v1/overviews/{overview_id}/factors/recovery_codes": "veto",
    "POST /v1/overviews/{overview_id}/verifications/{decision_id}/not-me": "disown",
    "POST /v1/overviews/{overview_id}/freeze": "freeze",
    "POST /v1/overviews/{overview_id}/erasure/begin": "erasure",
    "POST /v1/overviews/{overview_id}/erasure/complete": "erasure",
    "PATCH /v1/users/{user_id}/devices/{device_id}": "rename",
    "DELETE /v1/users/{user_id}/devices/{device_id}": "removal",
    "POST /v1/users/{user_id}/devices/{device_id}/restore": "restore",
    "DELETE /v1/users/{user_id}/biometrics/face": "withdrawal",
    "DELETE /v1/users/{user_id}/biometrics/voice": "withdrawal",
    "DELETE /v1/users/{user_id}/biometrics/gait": "withdrawal",
    "DELETE /v1/users/{user_id}": "backend-erasure",
    "POST /v1/users/{user_id}/freeze": "freeze",
    "POST /v1/users/{user_id}/unfreeze": "unfreeze",
    "PATCH /v1/users/{user_id}/status": "verify-always",
    "POST /v1/challenges/{challenge_id}/decline": "not-me",
    "POST /v1/challenges/{challenge_id}/freeze": "warned-freeze",
    "POST /v1/enrollments/{enrollment_id}/complete": "enrollment",
}


def test_every_call_that_changes_an_account_is_an_act():
    changing = {f"{each.method} {each.path}" for each in OPERATIONS if each.method != "GET"}
    about = ("/v1/users/", "/v1/overviews/")
    assert {call for call in changing if call.split()[1].startswith(about)} <= set(CALLS)
    assert set(CALLS) <= changing
    assert set(CALLS.values()) <= set(ACTS)
