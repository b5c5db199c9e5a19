"""Somebody who writes in the database and has no key: what they change, copy, cut off or put back.

Only on a service of the drill's own, or where its folder was named: nobody wants this in a database that matters.
"""

from __future__ import annotations

import sqlite3
import stat
from base64 import b32decode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from authsvc.lab.drill.captures import asked_for, gives_code, shows_face
from authsvc.lab.drill.drill import NotPlayed, Unprepared, drill
from authsvc.lab.drill.people import LARGE, SMALL
from authsvc.lab.drill.scene import Scene, expect


@contextmanager
def _written(scene: Scene) -> Iterator[sqlite3.Connection]:
    """A transaction beside the service's own."""
    file = scene.on_premises.database
    if not file.exists():
        raise NotPlayed("needs the embedded database")
    with closing(sqlite3.connect(file, timeout=30)) as database:
        yield database
        database.commit()


def _change(scene: Scene, statement: str, *values: Any) -> None:  # Any: as SQL takes them.
    with _written(scene) as database:
        if database.execute(statement, values).rowcount < 1:
            raise Unprepared("the row that was to be changed is not there")


@drill(
    "secrets-at-rest",
    "whoever gets a copy of the service's folder, or sees its processes, looks for secrets in them",
    control="what is secret is sealed, or kept as a MAC",
)
def secrets_at_rest(scene: Scene) -> None:
    folder, owner = scene.on_premises.database.parent, scene.person()
    asked = owner.challenged(owner.asks())
    issued = owner.issued_code(asked)
    secrets = {
        "API key": owner.service.bearer.removeprefix("Bearer "),
        "challenge token": asked.authorization.removeprefix("Challenge "),
        "app secret": owner.secret,
        "device secret": (owner.device or {})["secret"],
        "recovery code": owner.recovery_codes[0],
        "issued code": f'"{issued}"',
    }
    scene.begins()
    seen = [*_files(folder), *_processes(folder)]
    for name, secret in secrets.items():
        forms = {secret.encode(), secret.replace("-", "").encode()}
        forms |= {b32decode(secret)} if name == "app secret" else set()
        places = [place for place, content in seen if any(form in content for form in forms)]
        scene.attack(f"{name} in {', '.join(places)}" if places else f"no {name}", through=bool(places))
    mode = stat.S_IMODE(folder.stat().st_mode)
    scene.attack(f"folder {mode:o}", through=bool(mode & 0o077))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All but the key ring, which is the secret that keeps the others."""
    for file in folder.rglob("*"):
        if file.is_file() and not file.name.startswith("keyring"):
            with suppress(OSError):
                yield file.name, file.read_bytes()


def _processes(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The command lines and environments of the service's processes, where this system shows them."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if bytes(folder) in words:
                yield f"command of {process.name}", words
                yield f"environment of {process.name}", (process / "environ").read_bytes()


@drill(
    "insider-lifts-freeze",
    "an insider sets a frozen account to active",
    control="rows that carry authority have a MAC",
)
def insider_lifts_freeze(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    scene.begins()
    _change(scene, "UPDATE users SET status = 'active' WHERE user_id = ?", owner.user)
    scene.pays(owner.asks(SMALL))


@drill(
    "insider-trusts-phone",
    "an insider sets a removed phone to active",
    control="rows that carry authority have a MAC",
)
def insider_trusts_phone(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("DELETE", f"/devices/{(owner.device or {})['id']}"), 200)
    scene.begins()
    _change(scene, "UPDATE devices SET state = 'active' WHERE user_id = ?", owner.user)
    scene.pays(owner.asks(SMALL))


@drill(
    "insider-moves-app",
    "an insider copies their own app's secret into another account",
    control="rows that carry authority have a MAC",
)
def insider_moves_app(scene: Scene) -> None:
    owner, thief = scene.person(), scene.person()
    asked = owner.challenged(owner.asks())
    scene.begins()
    columns = "sealed, last_step, created_at, row_mac"
    _change(
        scene,
        f"UPDATE otp_secrets SET ({columns}) = (SELECT {columns} FROM otp_secrets WHERE user_id = ? AND purpose = 'app')"  # noqa: S608  # Names of columns.
        " WHERE user_id = ? AND purpose = 'app'",
        thief.user,
        owner.user,
    )
    scene.proves(asked, asked.code(thief.app_code()))


@drill(
    "insider-moves-key",
    "an insider gives their own device key to another account",
    control="rows that carry authority have a MAC",
)
def insider_moves_key(scene: Scene) -> None:
    owner, thief = scene.person(), scene.person()
    scene.begins()
    with _written(scene) as database:
        found = database.execute(
            "SELECT user_handle, device_id FROM credentials WHERE user_id = ?", (owner.user,)
        )
        handle, device = found.fetchone()
        database.execute("DELETE FROM credentials WHERE user_id = ?", (owner.user,))
        database.execute(
            "UPDATE credentials SET user_id = ?, user_handle = ?, device_id = ? WHERE user_id = ?",
            (owner.user, handle, device, thief.user),
        )
    answer = owner.asks()
    if answer.json.get("challenge") is None or thief.key is None or owner.key is None:
        scene.pays(answer)
        return
    asked = owner.challenged(answer)
    thief.key.handle = owner.key.handle
    said = asked.assertion(thief.key)
    scene.proves(asked, asked.complete() if said.is_good else said)


@drill(
    "insider-moves-face",
    "an insider puts their own face's template into another account",
    control="a template opens in its own row alone",
)
def insider_moves_face(scene: Scene) -> None:
    owner, thief = scene.person(face=True), scene.person(face=True)
    asked = asked_for(owner)
    scene.begins()
    columns = "id, model, samples, sealed, created_at"
    _change(
        scene,
        f"UPDATE templates SET ({columns}) = (SELECT {columns} FROM templates WHERE user_id = ?) WHERE user_id = ?",  # noqa: S608  # As above.
        thief.user,
        owner.user,
    )
    shows_face(asked, list(scene.pictures.owner or (b"ann 1",)))
    gives_code(owner, asked)
    scene.proves(asked, asked.complete())


@drill(
    "insider-reopens-receipt",
    "an insider makes a consumed receipt fresh again",
    control="rows that carry authority have a MAC",
)
def insider_reopens_receipt(scene: Scene) -> None:
    owner = scene.person()
    payment = owner.payment(SMALL)
    paid = owner.released(owner.asks(payment=payment))
    expect(owner.consumes(paid["receipt"], payment), 200)
    scene.begins()
    scene.decisions.append(paid["id"])
    _change(scene, "UPDATE decisions SET consumed_at = NULL, is_open = 1 WHERE id = ?", paid["id"])
    answer = owner.consumes(paid["receipt"], payment)
    scene.attack(answer, through=answer.is_good)


@drill(
    "insider-gives-attempts",
    "an insider gives a challenge its attempts back",
    control="rows that carry authority have a MAC",
)
def insider_gives_attempts(scene: Scene) -> None:
    owner = scene.person()
    asked = owner.challenged(owner.asks())
    for _ in range(2):
        asked.code(owner.wrong_code())
    scene.begins()
    left = '"attempts_remaining":'
    statement = f"UPDATE decisions SET challenge = replace(challenge, '{left}1', '{left}9') WHERE id = ?"  # noqa: S608  # Ours.
    _change(scene, statement, asked.decision["id"])
    scene.proves(asked, asked.code(owner.app_code()))


@drill(
    "insider-widens-key",
    "an insider adds scopes to an API key",
    control="rows that carry authority have a MAC",
)
def insider_widens_key(scene: Scene) -> None:
    owner = scene.person()
    key_id, key = scene.on_premises.new_key("drill-narrow", "events")
    scene.begins()
    _change(
        scene,
        "UPDATE api_keys SET scopes = (SELECT scopes FROM api_keys WHERE client <> 'drill-narrow' LIMIT 1) WHERE id = ?",
        key_id,
    )
    answer = scene.service.call("GET", f"/v1/users/{owner.user}/status", f"Bearer {key}")
    scene.attack(answer, through=answer.status in (200, 404))


@drill(
    "insider-cuts-audit",
    "an insider cuts what happened off the end of the audit",
    control="heads are remembered outside of the database",
    alone=True,
)
def insider_cuts_audit(scene: Scene) -> None:
    chain, seq = _line_of(scene)
    with _kept(scene, "audit_links", "audit_heads", chain=chain) as database:
        for table in ("audit_links", "audit_heads"):
            database.execute(f"DELETE FROM {table} WHERE chain = ? AND seq >= ?", (chain, seq))  # noqa: S608  # One of two names.
        database.commit()
        _verifies(scene)


@drill(
    "insider-edits-audit",
    "an insider changes who did it",
    control="each line's hash covers every column",
    alone=True,
)
def insider_edits_audit(scene: Scene) -> None:
    chain, seq = _line_of(scene)
    with _kept(scene, "audit_links", chain=chain) as database:
        changed = 'UPDATE audit_links SET body = replace(body, \'"actor":"\', \'"actor":"not \')'
        database.execute(f"{changed} WHERE chain = ? AND seq = ?", (chain, seq))
        database.commit()
        _verifies(scene)


@drill(
    "insider-hides-line",
    "an insider hides a line from its client's view of the audit",
    control="each line's hash covers every column",
    alone=True,
)
def insider_hides_line(scene: Scene) -> None:
    chain, seq = _line_of(scene)
    with _kept(scene, "audit_links", chain=chain) as database:
        database.execute(
            "UPDATE audit_links SET client = 'x', object = 'x' WHERE chain = ? AND seq = ?", (chain, seq)
        )
        database.commit()
        _verifies(scene)


@drill(
    "insider-writes-policy",
    "an insider raises a bound of the active policy",
    control="rows that carry authority have a MAC",
    alone=True,
)
def insider_writes_policy(scene: Scene) -> None:
    owner = scene.person()
    with _kept(scene, "policy_versions") as database:
        scene.begins()
        database.execute("UPDATE policy_versions SET text = replace(text, '_000', '_000_000_000')")
        database.commit()
        scene.asks_weakly(owner.asks(LARGE * 10), frozenset({"face", "voice", "device_uv", "otp"}))
        _checks_rows(scene)


def _line_of(scene: Scene) -> tuple[str, int]:
    """The audit's line about an act that somebody would hide, of a process that writes nothing more."""
    owner = scene.person()
    key_id, _ = scene.on_premises.new_key(f"drill-{owner.user}", "events")
    scene.begins()
    with _written(scene) as database:
        found = database.execute("SELECT chain, seq FROM audit_links WHERE object = ?", (key_id,)).fetchone()
    if found is None:
        raise Unprepared("the act that was to be hidden has no line")
    return str(found[0]), int(found[1])


@contextmanager
def _kept(scene: Scene, *tables: str, chain: str | None = None) -> Iterator[sqlite3.Connection]:
    """These tables, put back at the end as they were: the service goes on, and other drills with it."""
    where, values = ("", ()) if chain is None else (" WHERE chain = ?", (chain,))
    with _written(scene) as database:
        before = {name: _rows(database, f"{name}{where}", values) for name in tables}
        try:
            yield database
        finally:
            for name, rows in before.items():
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({marks})", rows)  # noqa: S608  # As above.
            database.commit()


def _verifies(scene: Scene) -> None:
    faults = scene.on_premises.audit_faults()
    scene.noticed_by = "`authsvc audit verify`, whenever it is run next"
    scene.attack(f"audit verify: {faults[0]}" if faults else "audit verify: sound", through=not faults)


def _checks_rows(scene: Scene) -> None:
    faults = [fault for table, fault in scene.on_premises.row_faults() if table == "policy_versions"]
    scene.noticed_by = "`authsvc db check`, whenever it is run next"
    scene.attack(f"db check: {faults[0]}" if faults else "db check: sound", through=not faults)


def _rows(database: sqlite3.Connection, among: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
    return database.execute(f"SELECT * FROM {among}", values).fetchall()  # noqa: S608  # Names of ours.
