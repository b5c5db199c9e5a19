"""What the database holds: the policy in force, API keys, operators, and whether it is the database that it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from authsvc.audit.remembered import RememberedHeads
from authsvc.biometric.manifest import manifest_folder
from authsvc.biometric.words import LivenessGate
from authsvc.bootstrap.doctor.durable import fits
from authsvc.bootstrap.doctor.engines import has_passive
from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.opening import Store, open_store
from authsvc.bootstrap.wiring import installed_policy
from authsvc.config import Settings
from authsvc.errors import AuthsvcError, PolicyInvalid
from authsvc.operators.account import OperatorState
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.level import CHALLENGES
from authsvc.policy.thresholds import models_in_use, unsupported
from authsvc.policy_life.publishing import must_find

EXPIRES_SOON = timedelta(days=14)
LEAST_OPERATORS = 2


def look_inside(settings: Settings, around: Surroundings) -> Findings:
    """Everything that needs the keys and the database; whoever looks at those says what they lack."""
    if not settings.keyring.exists() or not fits(settings):
        return
    try:
        store = open_store(settings, around.clock)
    except AuthsvcError:
        return  # The key ring's finding says why.
    looks: tuple[Callable[[], Findings], ...] = (
        lambda: _policy(settings, store),
        lambda: _keys(store, around),
        lambda: _operators(store),
        lambda: _restored(settings, store),
    )
    try:
        for look in looks:
            yield from _told(look)
    finally:
        store.close()


def _told(look: Callable[[], Findings]) -> Findings:
    try:
        yield from look()
    except AuthsvcError as error:
        yield wrong(
            "record-broken", error.detail, "`authsvc db check` lists what somebody wrote without the keys"
        )


def look_at_policy_file(settings: Settings, around: Surroundings) -> Findings:
    try:
        installed_policy(settings)
    except AuthsvcError as error:
        yield wrong("policy-file", error.detail, "`authsvc policy validate FILE` says what is wrong with it")


def _policy(settings: Settings, store: Store) -> Findings:
    current = store.ledger.read(lambda tx: tx.life.current())
    if current is None:
        return  # The first start seeds it.
    source = store.ledger.read(lambda tx: must_find(tx, current.publication.version_id)).source
    try:
        policy = loading.from_text(source.text, source.form, current.publication.version_id)
    except PolicyInvalid as error:
        yield wrong(
            "policy-unusable", error.detail, "`authsvc policy rollback`, or install the newer program"
        )
        return
    faults = list(unsupported(policy.document, models_in_use(manifest_folder(), settings.models)))
    if faults:
        yield wrong(
            "policy-unsupported",
            f"the installed models cannot keep what the policy asks: {faults[0]}",
            "calibrate them (`authsvc lab`), or publish a policy with another target",
        )
    yield from _liveness(settings, policy)


def _liveness(settings: Settings, policy: Policy) -> Findings:
    asked = {gate for level in CHALLENGES for gate in policy.liveness(level) or ()}
    if LivenessGate.PASSIVE in asked and not settings.unsafe_no_pad and not has_passive(settings):
        yield wrong(
            "policy-liveness",
            "the policy asks for passive liveness, and no detector is installed: nobody passes",
            "`authsvc models prepare`, or publish a policy that asks for gestures alone",
        )


def _keys(store: Store, around: Surroundings) -> Findings:
    now = around.clock.now()
    keys = store.ledger.read(lambda tx: tx.keys.all())
    good = [key for key in keys if key.is_good(now)]
    if not good:
        yield wrong(
            "no-api-key",
            "no API key is good: nobody can ask for a decision",
            "`authsvc keys create --client …`",
        )
    lasting = {key.client for key in good if key.expires_at is None or key.expires_at - now > EXPIRES_SOON}
    for client in sorted({key.client for key in good} - lasting):
        yield doubtful(
            "api-key-expires",
            f"every API key of `{client}` ends within {EXPIRES_SOON.days} days",
            "`authsvc keys rotate KEY_ID --overlap-hours 24`, and give the backend the new one",
        )


def _operators(store: Store) -> Findings:
    known = store.ledger.read(lambda tx: tx.operators.all())
    active = sum(each.state is OperatorState.ACTIVE for each in known)
    if active < LEAST_OPERATORS:
        yield doubtful(
            "operators-too-few",
            f"{active} operators are active, and it takes two to unfreeze an account or to change the policy",
            "`authsvc operators invite NAME --role …`",
        )


def _restored(settings: Settings, store: Store) -> Findings:
    remembered = RememberedHeads(settings.memory)
    try:
        store.ledger.read(lambda tx: remembered.refuse_shortened(tx.audit.hash_at))
    except AuthsvcError as error:
        yield wrong(
            "audit-shortened",
            error.detail,
            "if you restored a backup: `authsvc audit accept-restore --reason …`; else somebody removed lines",
        )
