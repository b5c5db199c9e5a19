"""What a user can prove with: sealed OTP secrets and templates, issued and recovery codes, consents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authsvc.biometric.words import Consent, Modality, Renewal, StoredTemplate, Template
from authsvc.clock import from_millis, to_millis
from authsvc.domain.ids import new_id
from authsvc.storage.bound import ISSUED_CODES, OTP_SECRETS, RECOVERY_CODES, Values
from authsvc.storage.database import Conflict, Connection, Row
from authsvc.storage.rows import Rows
from authsvc.storage.sealing import Place, Sealer
from authsvc.subject import Subject

OTP_SECRET = f"""SELECT {OTP_SECRETS.listed("s")}, u.sealing_key FROM otp_secrets s
    JOIN users u ON u.client = s.client AND u.user_id = s.user_id
    WHERE s.client = :client AND s.user_id = :user AND s.purpose = :purpose AND u.sealing_key IS NOT NULL"""
_OF_USER = "client = :client AND user_id = :user"
_WAITING = f"{_OF_USER} AND counts_from > :now"
PUT_TEMPLATE = """INSERT INTO templates (client, user_id, modality, id, model, samples, sealed, created_at)
    VALUES (:client, :user, :modality, :id, :model, :samples, :sealed, :now) ON CONFLICT (client, user_id, modality)
    DO UPDATE SET id = excluded.id, model = excluded.model, samples = excluded.samples, sealed = excluded.sealed,
    created_at = excluded.created_at"""
# Where another was faster, or the template was withdrawn, nothing is there to be replaced.
RENEW_TEMPLATE = """UPDATE templates SET model = :model, samples = :samples, sealed = :sealed, created_at = :now
    WHERE client = :client AND user_id = :user AND modality = :modality AND id = :id AND model = :earlier"""
TEMPLATE = """SELECT u.sealing_key, t.id, t.model, t.samples, t.sealed FROM templates t
    JOIN users u ON u.client = t.client AND u.user_id = t.user_id
    WHERE t.client = :client AND t.user_id = :user AND t.modality = :modality AND u.sealing_key IS NOT NULL"""
# A walk is compared by a method that is part of the program, and by no model that could be lost.
TEMPLATE_MODELS = """SELECT client, user_id, modality, model FROM templates WHERE modality <> 'gait'
    ORDER BY client, user_id, modality"""
TEMPLATE_STANDS = """SELECT 1 FROM templates
    WHERE client = :client AND user_id = :user AND modality = :modality AND id = :id"""
AGREED_TEMPLATES = """SELECT t.user_id, u.sealing_key, t.samples, t.sealed FROM templates t
    JOIN users u ON u.client = t.client AND u.user_id = t.user_id
    WHERE t.client = :client AND t.user_id <> :user AND t.modality = :modality AND t.model = :model
    AND u.sealing_key IS NOT NULL AND EXISTS (SELECT 1 FROM consents c WHERE c.client = t.client
    AND c.user_id = t.user_id AND c.modality = t.modality AND c.text_version = :wording AND c.withdrawn_at IS NULL)
    ORDER BY t.user_id LIMIT :most"""
FORGET_TEMPLATE = "DELETE FROM templates WHERE client = :client AND user_id = :user AND modality = :modality"
PUT_CAPTURE = """INSERT INTO captures (id, client, user_id, modality, sealed, taken_at)
    VALUES (:id, :client, :user, :modality, :sealed, :now)"""
# The enrollment's own first: it was stored in the same moment as the template.
CAPTURES = """SELECT u.sealing_key, c.id, c.sealed FROM captures c
    JOIN users u ON u.client = c.client AND u.user_id = c.user_id
    LEFT JOIN templates t ON t.client = c.client AND t.user_id = c.user_id AND t.modality = c.modality
    WHERE c.client = :client AND c.user_id = :user AND c.modality = :modality AND u.sealing_key IS NOT NULL
    ORDER BY CASE WHEN c.taken_at = t.created_at THEN 0 ELSE 1 END, c.taken_at DESC, c.id LIMIT :limit"""
FORGET_CAPTURE = "DELETE FROM captures WHERE id = :id"
FORGET_CAPTURES = "DELETE FROM captures WHERE client = :client AND user_id = :user AND modality = :modality"
PUT_CONSENT = """INSERT INTO consents (id, client, user_id, modality, text_version, given_at, withdrawn_at)
    VALUES (:id, :client, :user, :modality, :text_version, :now, NULL)"""
WITHDRAW_CONSENT = """UPDATE consents SET withdrawn_at = :now
    WHERE client = :client AND user_id = :user AND modality = :modality AND withdrawn_at IS NULL"""
CONSENTS = """SELECT modality, text_version, given_at, withdrawn_at FROM consents
    WHERE client = :client AND user_id = :user ORDER BY given_at"""


CAPTURES_KEPT = 21
"""That of the enrollment for as long as its template stands, and the last twenty besides."""


class OtpStore:
    """Secrets are sealed to their row; a time step is used up by one conditional write."""

    def __init__(self, connection: Connection, rows: Rows, sealer: Sealer) -> None:
        self._connection = connection
        self._rows = rows
        self._sealer = sealer

    def secret(self, subject: Subject, purpose: str) -> bytes | None:
        rows = self._connection.all(OTP_SECRET, {**_of(subject), "purpose": purpose})
        if not rows:
            return None
        *row, key = rows[0]
        sealed = self._rows.checked(OTP_SECRETS, row)["sealed"]
        return self._sealer.open(bytes(key), _otp_place(subject, purpose), sealed)

    def put_secret(
        self, subject: Subject, key: bytes, purpose: str, secret: bytes, last_step: int, now: datetime
    ) -> None:
        """Store a secret; steps up to `last_step` count as used."""
        values = {
            "client": subject.client,
            "user_id": subject.user,
            "purpose": purpose,
            "sealed": self._sealer.seal(key, _otp_place(subject, purpose), secret),
            "last_step": last_step,
            "created_at": to_millis(now),
        }
        self._rows.put(OTP_SECRETS, values)

    def use_step(self, subject: Subject, purpose: str, step: int) -> bool:
        """Use a time step and all before it. Of many callers one gets True."""
        row = self._rows.one(OTP_SECRETS, client=subject.client, user_id=subject.user, purpose=purpose)
        if row is None or row["last_step"] >= step:
            return False
        self._rows.change(OTP_SECRETS, row, {"last_step": step})
        return True

    def issue(
        self, decision_id: str, subject: Subject, step: int, tries: int, most: int, expires_at: datetime
    ) -> bool:
        """Remember that a code was issued for a decision; an earlier one becomes void. False past `most` of them."""
        fresh = {"tries_left": tries, "expires_at": to_millis(expires_at), "used_at": None}
        row = self._rows.one(ISSUED_CODES, decision_id=decision_id)
        if row is None:
            owner = {"decision_id": decision_id, "client": subject.client, "user_id": subject.user}
            first = {**owner, "time_step": step, "times_issued": 1, **fresh}
            if not self._rows.add(ISSUED_CODES, first, "ON CONFLICT (decision_id) DO NOTHING"):
                raise Conflict("a code was issued in between")
            return True
        if row["times_issued"] >= most:
            return False
        # A code issued again is another one, also within the same time step: one that was used with a wrong face stays used.
        again = {"time_step": max(step, row["time_step"] + 1), "times_issued": row["times_issued"] + 1}
        self._rows.change(ISSUED_CODES, row, {**again, **fresh})
        return True

    def issued_step(self, decision_id: str, now: datetime) -> int | None:
        """The time step from which the decision's current code is derived."""
        row = self._issued(decision_id, now)
        return None if row is None else row["time_step"]

    def try_issued(self, decision_id: str, step: int, now: datetime) -> bool:
        """Charge one of the three tries, before the code is judged."""
        row = self._issued(decision_id, now)
        if row is None or row["time_step"] != step or row["tries_left"] <= 0:
            return False
        self._rows.change(ISSUED_CODES, row, {"tries_left": row["tries_left"] - 1})
        return True

    def use_issued(self, decision_id: str, step: int, now: datetime) -> bool:
        row = self._rows.one(ISSUED_CODES, decision_id=decision_id)
        if row is None or row["time_step"] != step or row["used_at"] is not None:
            return False
        self._rows.change(ISSUED_CODES, row, {"used_at": to_millis(now)})
        return True

    def _issued(self, decision_id: str, now: datetime) -> Values | None:
        """The code that is good now."""
        row = self._rows.one(ISSUED_CODES, decision_id=decision_id)
        good = row is not None and row["used_at"] is None and row["expires_at"] > to_millis(now)
        return row if good else None

    def replace_recovery_codes(
        self, subject: Subject, macs: Sequence[bytes], now: datetime, counts_from: datetime, *, keeps: bool
    ) -> None:
        """Store fresh codes; with `keeps` those of before stay good until these begin to count."""
        at, begins = to_millis(now), to_millis(counts_from)
        if keeps:
            self._forget_waiting(subject, at)
        else:
            self._forget_recovery_codes(subject)
        lasting = [row for row in self._recovery_codes(subject) if row["ends_at"] is None]
        self._rows.change_all(RECOVERY_CODES, lasting, {"ends_at": begins})
        code = {
            "client": subject.client,
            "user_id": subject.user,
            "created_at": at,
            "used_at": None,
            "counts_from": begins,
            "ends_at": None,
        }
        self._rows.add_all(RECOVERY_CODES, [{**code, "mac": mac} for mac in macs])

    def recovery_codes_wait_until(self, subject: Subject, now: datetime) -> datetime | None:
        """When fresh codes begin to count, None where none wait."""
        begin = [row["counts_from"] for row in self._recovery_codes(subject)]
        return min((from_millis(at) for at in begin if at > to_millis(now)), default=None)

    def recovery_codes_left(self, subject: Subject, now: datetime) -> int:
        """How many codes count now and are not used up."""
        codes = [row["mac"] for row in self._recovery_codes(subject)]
        return sum(self._recovery_code(subject, mac, now) is not None for mac in codes)

    def veto_recovery_codes(self, subject: Subject, now: datetime) -> bool:
        """Forget the codes that wait; those of before stay good. False where none wait."""
        at = to_millis(now)
        ending = [row for row in self._recovery_codes(subject) if (row["ends_at"] or 0) > at]
        self._rows.change_all(RECOVERY_CODES, ending, {"ends_at": None})
        return self._forget_waiting(subject, at) > 0

    def find_recovery_code(self, subject: Subject, macs: Sequence[bytes], now: datetime) -> bytes | None:
        """The one of these MACs that is on record, counts and is not used up; each is looked for, with no early exit."""
        found = [self._recovery_code(subject, mac, now) for mac in macs]
        return next((row["mac"] for row in found if row is not None), None)

    def use_recovery_code(self, subject: Subject, mac: bytes, now: datetime) -> bool:
        """Use a recovery code up. Of many callers one gets True."""
        row = self._recovery_code(subject, mac, now)
        if row is None:
            return False
        self._rows.change(RECOVERY_CODES, row, {"used_at": to_millis(now)})
        return True

    def _recovery_code(self, subject: Subject, mac: bytes, now: datetime) -> Values | None:
        """The code, where it counts and is not used up."""
        row = self._rows.one(RECOVERY_CODES, client=subject.client, user_id=subject.user, mac=mac)
        at = to_millis(now)
        if row is None or row["used_at"] is not None or row["counts_from"] > at:
            return None
        return row if row["ends_at"] is None or row["ends_at"] > at else None

    def _recovery_codes(self, subject: Subject) -> list[Values]:
        return self._rows.read(RECOVERY_CODES, _OF_USER, _of(subject))

    def forget_secret(self, subject: Subject, purpose: str) -> None:
        self._rows.remove(
            OTP_SECRETS, f"{_OF_USER} AND purpose = :purpose", {**_of(subject), "purpose": purpose}
        )

    def forget(self, subject: Subject) -> None:
        self._rows.remove(OTP_SECRETS, _OF_USER, _of(subject))
        self._forget_recovery_codes(subject)

    def _forget_recovery_codes(self, subject: Subject) -> int:
        return self._rows.remove(RECOVERY_CODES, _OF_USER, _of(subject))

    def _forget_waiting(self, subject: Subject, at: int) -> int:
        return self._rows.remove(RECOVERY_CODES, _WAITING, {**_of(subject), "now": at})


class TemplateStore:
    """Templates, sealed under the subject's key to row and model."""

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None:
        rows = self._connection.all(TEMPLATE, _of_modality(subject, modality))
        if not rows:
            return None
        key, template_id, model, samples, sealed = rows[0]
        vector = self._sealer.open(bytes(key), _template_place(subject, modality, model), bytes(sealed))
        return StoredTemplate(template_id, Template(modality, model, vector, samples))

    def put(self, subject: Subject, key: bytes, template_id: str, template: Template, now: datetime) -> None:
        self._connection.run(PUT_TEMPLATE, self._sealed(subject, key, template_id, template, now))

    def renew(self, subject: Subject, key: bytes, template_id: str, renewal: Renewal, now: datetime) -> bool:
        """Replace this very template, while it is of the earlier model, under its own id. Of many callers one gets True."""
        params = self._sealed(subject, key, template_id, renewal.template, now)
        return self._connection.run(RENEW_TEMPLATE, {**params, "earlier": renewal.earlier}) == 1

    def _sealed(
        self, subject: Subject, key: bytes, template_id: str, template: Template, now: datetime
    ) -> dict[str, object]:
        place = _template_place(subject, template.modality, template.model)
        return {
            **_of_modality(subject, template.modality),
            "id": template_id,
            "model": template.model,
            "samples": template.samples,
            "sealed": self._sealer.seal(key, place, template.vector),
            "now": to_millis(now),
        }

    def models(self) -> tuple[tuple[Subject, Modality, str], ...]:
        """Who has a template of what, made by which model; the templates themselves stay sealed."""
        return tuple(
            (Subject(client, user), Modality(modality), model)
            for client, user, modality, model in self._connection.all(TEMPLATE_MODELS, {})
        )

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool:
        """Whether this very template is still the enrolled one: a withdrawal is effective at once."""
        return bool(
            self._connection.all(TEMPLATE_STANDS, {**_of_modality(subject, modality), "id": template_id})
        )

    def agreed(
        self, subject: Subject, modality: Modality, model: str, wording: str, most: int
    ) -> tuple[tuple[str, Template], ...]:
        """Templates of the client's other users who have given this consent and not taken it back, by user."""
        asked = {**_of_modality(subject, modality), "model": model, "wording": wording, "most": most}
        return tuple(
            (user, Template(modality, model, self._opened(Subject(subject.client, user), *row), samples))
            for user, key, samples, sealed in self._connection.all(AGREED_TEMPLATES, asked)
            for row in [(bytes(key), modality, model, bytes(sealed))]
        )

    def _opened(self, subject: Subject, key: bytes, modality: Modality, model: str, sealed: bytes) -> bytes:
        return self._sealer.open(key, _template_place(subject, modality, model), sealed)

    def forget(self, subject: Subject, modality: Modality) -> None:
        """Destroy template and memory of captures."""
        self._connection.run(FORGET_TEMPLATE, _of_modality(subject, modality))
        self._connection.run(FORGET_CAPTURES, _of_modality(subject, modality))

    def remember_capture(
        self, subject: Subject, key: bytes, modality: Modality, fingerprints: Sequence[str], now: datetime
    ) -> None:
        """Keep what a capture is recognised by; of them only CAPTURES_KEPT stay, the enrollment's among them."""
        capture_id = new_id("cap")
        sealed = self._sealer.seal(key, _capture_place(subject, capture_id), "\n".join(fingerprints).encode())
        params = {
            **_of_modality(subject, modality),
            "id": capture_id,
            "sealed": sealed,
            "now": to_millis(now),
        }
        self._connection.run(PUT_CAPTURE, params)
        for _, old_id, _ in self._captures(subject, modality)[CAPTURES_KEPT:]:
            self._connection.run(FORGET_CAPTURE, {"id": old_id})

    def fingerprints(self, subject: Subject, modality: Modality) -> tuple[str, ...]:
        """What the person's remembered captures are recognised by."""
        return tuple(line for lines in self.captures(subject, modality).values() for line in lines)

    def captures(self, subject: Subject, modality: Modality) -> dict[str, tuple[str, ...]]:
        """The same, by capture."""
        rows = self._captures(subject, modality)[:CAPTURES_KEPT]
        return {
            capture: self._lines(subject, bytes(key), capture, bytes(sealed)) for key, capture, sealed in rows
        }

    def _lines(self, subject: Subject, key: bytes, capture: str, sealed: bytes) -> tuple[str, ...]:
        opened = self._sealer.open(key, _capture_place(subject, capture), sealed)
        return tuple(opened.decode().splitlines())

    def _captures(self, subject: Subject, modality: Modality) -> list[Row]:
        return self._connection.all(CAPTURES, {**_of_modality(subject, modality), "limit": CAPTURES_KEPT + 5})

    def give_consent(
        self, consent_id: str, subject: Subject, modality: Modality, text_version: str, now: datetime
    ) -> None:
        params = {
            **_of_modality(subject, modality),
            "id": consent_id,
            "text_version": text_version,
            "now": to_millis(now),
        }
        self._connection.run(PUT_CONSENT, params)

    def withdraw_consent(self, subject: Subject, modality: Modality, now: datetime) -> None:
        self._connection.run(WITHDRAW_CONSENT, {**_of_modality(subject, modality), "now": to_millis(now)})

    def consents(self, subject: Subject) -> tuple[Consent, ...]:
        return tuple(
            Consent(
                Modality(modality),
                version,
                from_millis(given),
                None if withdrawn is None else from_millis(withdrawn),
            )
            for modality, version, given, withdrawn in self._connection.all(CONSENTS, _of(subject))
        )


def _of(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}


def _of_modality(subject: Subject, modality: Modality) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user, "modality": modality.value}


def _capture_place(subject: Subject, capture_id: str) -> Place:
    return Place("captures", "sealed", capture_id, subject)


def _otp_place(subject: Subject, purpose: str) -> Place:
    return Place("otp_secrets", "sealed", purpose, subject)


def _template_place(subject: Subject, modality: Modality, model: str) -> Place:
    return Place("templates", "sealed", modality.value, subject, model)
