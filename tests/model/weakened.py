"""The service with one guard taken away: what each of the model's guards is in the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from authsvc.domain import account_acts as acts
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.account_table import PROVED
from authsvc.domain.standing import KEYS, Standing
from authsvc.enrolling import flow as enrolling
from authsvc.enrolling import recovery
from authsvc.enrolling.steps.step import When
from authsvc.face.verifier import FaceVerifier
from authsvc.factor import Factor
from authsvc.policy.level import Level
from authsvc.services import enrollments, overviews, users
from authsvc.stepup import deciding, disowning, flow, proving
from authsvc.storage import decisions
from authsvc.storage.factors import OtpStore
from authsvc.storage.tickets import EnrollmentStore
from authsvc.subject import Novelty, Subject

Weaken = Callable[[pytest.MonkeyPatch], None]
evaluate, owed = deciding.Deciding._evaluate, Standing.owed


def _level_of(usable: Callable[[Any, Account, frozenset[Factor], Any], frozenset[Factor]]) -> Weaken:
    """An act asks the strongest that is usable."""

    def weaken(patch: pytest.MonkeyPatch) -> None:
        def weaker(self: Any, policy: Any, inputs: Any, account: Account | None, now: Any) -> Any:
            outcome = evaluate(self, policy, inputs, account, now)
            if inputs.type not in PROVED or outcome.level is Level.DENY or account is None:
                return outcome
            demanded = owed(account.standing, now, self._cooling)
            return outcome._replace(level=deciding.strongest(policy, usable(self, account, demanded, now)))

        patch.setattr(deciding.Deciding, "_evaluate", weaker)

    return weaken


def _offered(service: Any, account: Account, factors: frozenset[Factor], now: Any) -> frozenset[Factor]:
    return factors & {factor for factor, verifier in service._verifiers.items() if verifier.is_offered()}


def _what_is_removed_is_not_owed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Standing, "without", lambda self, *factors, now: self._freed(*factors))
    with_keys = Standing.with_keys
    patch.setattr(
        Standing,
        "with_keys",
        lambda self, live, suspended, now: replace(
            with_keys(self, live, suspended, now),
            taken={factor: at for factor, at in self.taken.items() if factor not in KEYS},
        ),
    )


def _what_is_replaced_is_not_owed(patch: pytest.MonkeyPatch) -> None:
    with_factor = Standing.with_factor
    patch.setattr(
        Standing,
        "with_factor",
        lambda self, factor, counts_from, now: replace(
            with_factor(self, factor, counts_from, now), taken=self._freed(factor).taken
        ),
    )


def _nothing_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(enrolling, "When", lambda now, counts_from: When(now, now))


def _what_waits_proves(patch: pytest.MonkeyPatch) -> None:
    provable = deciding._provable
    patch.setattr(
        deciding,
        "_provable",
        lambda standing, kind, at: standing.factors if kind in PROVED else provable(standing, kind, at),
    )


def _a_new_key_proves(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deciding, "_young_in", lambda way, inputs, strong, young: young)


def _an_emptied_account_is_new(patch: pytest.MonkeyPatch) -> None:
    use_proof = vars(enrollments)["use_proof"]

    def weaker(tx: Any, receipts: Any, account: Account, *more: Any) -> None:
        if account.factors:
            use_proof(tx, receipts, account, *more)

    patch.setattr(enrollments, "use_proof", weaker)


def _whoever_was_erased_is_new(patch: pytest.MonkeyPatch) -> None:
    made = enrolling.Enrolling._made_account
    new = []

    def making(self: Any, *args: Any) -> Account:
        new.append(True)
        return made(self, *args)

    patch.setattr(enrolling.Enrolling, "_made_account", making)
    patch.setattr(enrolling, "When", lambda now, at: When(now, now) if new and new.pop() else When(now, at))


def _a_frozen_account_is_erased(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        users,
        "_existing",
        lambda tx, key, user: _never_frozen(acts.existing(tx, Subject(key.client, user))),
    )


def _never_frozen(account: Account) -> Account:
    return replace(account, status=AccountStatus.ACTIVE)


def _consuming(guard: str, weaker: Callable[..., object] = lambda *asked: False) -> Weaken:
    """A receipt is used up under fewer conditions."""
    return lambda patch: patch.setattr(decisions, guard, weaker)


def _consumed_whatever_the_account_is(patch: pytest.MonkeyPatch) -> None:
    """A freeze shuts the account and voids what was released before: both stand for it while it lasts."""
    is_void = vars(decisions)["_is_void"]
    patch.setattr(decisions, "_is_shut", lambda *asked: False)
    patch.setattr(
        decisions,
        "_is_void",
        lambda decision, account, frozen: (
            account["status"] == AccountStatus.ACTIVE and is_void(decision, account, frozen)
        ),
    )


def _a_capture_counts_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proving, "use_up", lambda *args: True)
    patch.setattr(FaceVerifier, "_is_copy", lambda *args: False)


def _one_proof_recovers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "_second", lambda *args: "operators")


def _whoever_opens_a_recovery_vouches(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(enrollments, "_must_vouch", lambda key: None)


def _new_codes_count(patch: pytest.MonkeyPatch) -> None:
    replaced = OtpStore.replace_recovery_codes
    patch.setattr(
        OtpStore,
        "replace_recovery_codes",
        lambda self, subject, macs, now, counts_from, keeps: replaced(
            self, subject, macs, now, now, keeps=keeps
        ),
    )


def _tickets_outlive_a_freeze(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(EnrollmentStore, "cancel_of", lambda self, subject, grounds=None: None)


def _tickets_outlive_a_removal(patch: pytest.MonkeyPatch) -> None:
    cancel_of = EnrollmentStore.cancel_of
    patch.setattr(
        EnrollmentStore,
        "cancel_of",
        lambda self, subject, grounds=None: cancel_of(self, subject) if grounds is None else None,
    )


def _anybody_suspends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(flow, "SEEN", tuple(Novelty))


def _an_overview_is_a_names(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(overviews, "owner_of", lambda tx, overview: acts.existing(tx, overview.subject))


def _a_name_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(disowning, "SEEN", tuple(Novelty))


def _an_unfreeze_is_free(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(users, "use_proof", lambda *args: None)


WEAKENED: Mapping[str, Weaken] = {
    "a lock does not lower an act": _level_of(
        lambda _, account, factors, now: account.unlocked(factors, now)
    ),
    "an outage does not lower an act": _level_of(_offered),
    "what was removed is owed": _what_is_removed_is_not_owed,
    "what was replaced is owed": _what_is_replaced_is_not_owed,
    "what is new waits": _nothing_waits,
    "what waits proves no act": _what_waits_proves,
    "a new key proves only beside a face": _a_new_key_proves,
    "an account that was emptied is no new one": _an_emptied_account_is_new,
    "who only named a phone suspends it by no overview": _a_name_is_enough,
    "whoever was erased waits": _whoever_was_erased_is_new,
    "a frozen account is not erased": _a_frozen_account_is_erased,
    "a receipt is consumed while the account is active": _consumed_whatever_the_account_is,
    "what was released before a freeze stays void": _consuming("_is_void"),
    "a receipt of a removed device is void": _consuming("_is_out_of_use"),
    "a receipt of a removed key is void": _consuming(
        "_devices_of", lambda decision: [decision.device_id] if decision.device_id else []
    ),
    "a receipt is consumed once": _consuming("_is_used_up", lambda row, jti: bool(row["receipt_jti"] != jti)),
    "a capture counts once": _a_capture_counts_again,
    "a recovery takes two proofs": _one_proof_recovers,
    "whoever opens a recovery proves none of it": _whoever_opens_a_recovery_vouches,
    "new recovery codes wait": _new_codes_count,
    "a freeze ends enrollments": _tickets_outlive_a_freeze,
    "who has no secret suspends nobody": _anybody_suspends,
    "a recovery ends enrollments": _tickets_outlive_a_freeze,
    "a removal ends enrollments": _tickets_outlive_a_removal,
    "an overview ends with its account": _an_overview_is_a_names,
    "an unfreeze is proved": _an_unfreeze_is_free,
}
