"""Puts the service together from its settings, in six steps: what is kept, rooms, flows, policy, console, services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache, partial

from authsvc.biometric.manifest import manifest_folder
from authsvc.bootstrap.counting import CountedEphemeral
from authsvc.bootstrap.flows import Flows, Kept, join
from authsvc.bootstrap.health import Faces, ServiceHealth, Voices
from authsvc.bootstrap.opening import (
    Store,
    StoreLedger,
    Uncounted,
    open_ephemeral,
    open_store,
)
from authsvc.bootstrap.rooms import Rooms, reach
from authsvc.bootstrap.running import Chore, Punctuality, Wired, attempt
from authsvc.bootstrap.timekeeping import ClockWatch
from authsvc.clock import Clock
from authsvc.config import Settings
from authsvc.device.attestation import TrustedModels
from authsvc.device.attesters.listed import load_attesters
from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.relying_party import RelyingParty
from authsvc.device.rules import DeviceRules
from authsvc.domain.once import Answers
from authsvc.domain.receipt import ReceiptReader
from authsvc.ephemeral import Ephemeral
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.events import Tally
from authsvc.keys.access import ApiKey, KeyAdmission
from authsvc.operators.console import Console, assembled
from authsvc.operators.parts import OperatorParts
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.life import Source
from authsvc.policy.thresholds import Model, models_in_use
from authsvc.policy.warning_texts import texts_of
from authsvc.policy_life.active import ActivePolicy, PolicyWatch
from authsvc.policy_life.analyst import Analyst, ChildAnalyst
from authsvc.policy_life.lab_proof import LabBounds, LabGate
from authsvc.policy_life.service import PolicyService
from authsvc.services.base import ServiceParts
from authsvc.services.services import Services
from authsvc.storage.boxes import ServiceBox
from authsvc.webhook.guard import Guard, networks_of


def installed_policy(settings: Settings) -> tuple[Policy, Source]:
    """What an empty store is seeded with: the operator's document, or the shipped one; raises PolicyInvalid."""
    if settings.policy_file is None:
        return loading.shipped(), loading.shipped_source()
    return loading.from_file(settings.policy_file), loading.source_of(settings.policy_file)


def watch_policy(settings: Settings, store: Store) -> ActivePolicy:
    """The policy that the store says, seeded where it is empty. An outage at the start only puts this off."""
    origin = "shipped" if settings.policy_file is None else f"file:{settings.policy_file.name}"
    active = ActivePolicy(store.ledger, installed_policy(settings), origin, store.clock)
    attempt("seeding the policy", active.seed)
    return active


def device_rules(settings: Settings) -> DeviceRules:
    """By what device keys are registered and used; raises ConfigurationError for settings that cannot hold."""
    models, name = settings.attestation_models, settings.service_name
    attesters = settings.capture_attesters
    return DeviceRules(
        RelyingParty.at(
            settings.public_url, name, id=settings.rp_id or None, related=settings.related_origins
        ),
        None if models is None else TrustedModels.load(models),
        PaymentConfirmation(name, _icon(settings)) if settings.payment_confirmation else None,
        () if attesters is None else load_attesters(attesters),
    )


def _icon(settings: Settings) -> str:
    """What a browser shows beside a payment lies with the pages."""
    if not settings.pages:
        raise ConfigurationError(
            "`AUTHSVC_PAYMENT_CONFIRMATION` needs the pages, and `AUTHSVC_PAGES` is empty"
        )
    return f"{settings.public_url}/pages/shield.svg"


def wire(
    settings: Settings,
    clock: Clock | None = None,
    face: Faces | None = None,
    tally: Tally | None = None,
    analyst: Analyst | None = None,
    voice: Voices | None = None,
) -> Wired:
    """The whole service for one process. By default rooms are the biometric worker's, and `analyst` a program of its own."""
    kept = _open(settings, clock, tally)
    rooms = reach(settings, face, voice, kept.tally)
    rules = device_rules(settings)
    flows = join(settings, kept, rooms, rules)
    policies = PolicyService(
        kept.store.ledger,
        kept.policy,
        kept.answers,
        analyst or ChildAnalyst(settings.policy_most_cells),
        kept.store.clock,
        _models_in_use(settings),
        _lab_gate(settings, kept.store, rooms),
    )
    console = _console(settings, kept.store, kept.ephemeral, rules.party.at_home(), policies)
    punctuality = Punctuality()
    watch = ClockWatch(
        kept.store.clock, kept.store.ledger, kept.tally, has_database_clock=bool(settings.database_url)
    )
    warned = _warned(punctuality, watch)
    services = Services.of(_parts(settings, kept, rooms, rules.party, flows, policies, console, warned))
    return Wired(
        services,
        console,
        kept.store,
        _chores(settings, kept.store, rooms, services, console, watch),
        PolicyWatch(kept.policy, flows.shadow.compare),
        (kept.ephemeral, *rooms.connections),
        kept.tally,
        punctuality,
        watch,
    )


def _warned(punctuality: Punctuality, watch: ClockWatch) -> Callable[[], Iterable[str]]:
    """What readiness warns of, beside what it sees itself."""
    return lambda: [*(["chores-late"] if punctuality.late() else []), *watch.warnings()]


def _open(settings: Settings, clock: Clock | None, tally: Tally | None) -> Kept:
    store = open_store(settings, clock, tally)
    tally = tally or Uncounted()
    ephemeral = CountedEphemeral(open_ephemeral(settings, store.clock), tally)
    answers = Answers(ServiceBox(store.sealer, "idempotency"))
    return Kept(store, ephemeral, watch_policy(settings, store), answers, tally)


def _parts(
    settings: Settings,
    kept: Kept,
    rooms: Rooms,
    party: RelyingParty,
    flows: Flows,
    policies: PolicyService,
    console: Console,
    warned: Callable[[], Iterable[str]],
) -> ServiceParts:
    store = kept.store
    return ServiceParts(
        ledger=store.ledger,
        stepup=flows.stepup,
        enrolling=flows.enrolling,
        keys=KeyAdmission(store.ring, partial(_find_key, store.ledger)),
        macs=store.ring,
        answers=kept.answers,
        ephemeral=kept.ephemeral,
        receipts=ReceiptReader(settings.issuer, store.ring.receipt_public_keys),
        policies=policies,
        shadow=flows.shadow,
        issuer=flows.issuer,
        audit=store.audit,
        sessions=console.sessions,
        health=ServiceHealth(
            store.ledger,
            kept.ephemeral,
            kept.policy,
            rooms.health,
            settings,
            store.slot.name,
            store.clock,
            store.ring,
            warned,
        ),
        jwks=store.ring.jwks,
        web_origins=party.web_origins,
        clock=store.clock,
        webhook_guard=Guard(networks_of(settings.webhook_networks)),
        base_url=settings.public_url,
        gait=settings.gait,
        keep_decisions=timedelta(days=settings.keep_decisions_days),
        keep_events=timedelta(days=settings.keep_events_days),
        habit_wait=max(settings.habit_wait, settings.probation),
        warning_texts=texts_of(settings.warnings_file),
        service_name=settings.service_name,
        longest_waits=max(1, settings.threads // 2),
    )


def _chores(
    settings: Settings,
    store: Store,
    rooms: Rooms,
    services: Services,
    console: Console,
    watch: ClockWatch,
) -> tuple[Chore, ...]:
    """One line a chore, with how often it is done."""
    return (
        Chore("refreshing keys", timedelta(seconds=1), store.ring.refresh),
        Chore("looking at the clock", timedelta(seconds=1), watch.look),
        Chore("comparing clocks", timedelta(seconds=30), watch.compare, at_once=True),
        Chore("telling of broken rows", timedelta(seconds=1), store.tell),
        *(
            Chore(f"asking the {modality} room", timedelta(seconds=5), room.ask, at_once=True)
            for modality, room in rooms.health.items()
        ),
        *(Chore(name, timedelta(seconds=10), do) for name, do in services.housekeeping.chores().items()),
        Chore("counting for the console", timedelta(seconds=5), console.figures.gather),
        Chore("forgetting what the console is done with", timedelta(hours=1), console.forget),
        Chore("taking a checkpoint", settings.checkpoint_every, store.audit.take_checkpoint),
    )


def _console(
    settings: Settings, store: Store, ephemeral: Ephemeral, party: RelyingParty, policies: PolicyService
) -> Console:
    """The operators' side, over the same stores and under labels of its own."""
    return assembled(
        OperatorParts(
            ledger=store.ledger,
            macs=store.ring,
            box=ServiceBox(store.sealer, "operators"),
            ephemeral=ephemeral,
            party=party,
            display_name=settings.service_name,
            audit=store.audit,
            clock=store.clock,
        ),
        policies,
    )


def _models_in_use(settings: Settings) -> Callable[[], tuple[Model, ...]]:
    """The calibrated matchers of this machine. Looked for once, when an operator first needs them: it hashes their weights."""
    return cache(lambda: models_in_use(manifest_folder(), settings.models))


def _lab_gate(settings: Settings, store: Store, rooms: Rooms) -> LabGate | None:
    """Asked of the biometric worker: it alone knows which models are at work now. None where no report is required."""
    if settings.lab_report is None:
        return None

    def current() -> frozenset[str]:
        try:
            said = [room.refresh() for room in rooms.health.values()]
        except Unavailable:
            return frozenset()
        return frozenset(digest for each in said for digest in _calibrations(each))

    bounds = LabBounds(settings.lab_report_days, settings.lab_report_max_iapar, settings.lab_report_max_bpcer)
    return LabGate(settings.lab_report, bounds, store.clock, current, store.ring.audit_public_keys)


def _calibrations(said: Mapping[str, object]) -> Iterator[str]:
    """Of what a room says of itself: by what it compares templates and judges liveness, each with its thresholds."""
    stated = said.get("calibrations")
    yield from (each for each in (stated if isinstance(stated, list) else ()) if isinstance(each, str))


def _find_key(ledger: StoreLedger, key_id: str) -> ApiKey | None:
    return ledger.read(lambda tx: tx.keys.find(key_id))
