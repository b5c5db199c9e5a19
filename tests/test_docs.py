"""The documents say what is so: tables are compared with the code, examples are run, links lead somewhere."""

import json
import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click
import pytest

from authsvc.biometric.manifest import manifest_folder
from authsvc.bootstrap.launch import DEVELOPMENT_CLIENT
from authsvc.caller.wire import Wire
from authsvc.cli.demo.faces import Cast, Photograph, from_drawings
from authsvc.cli.demo.phone import Phone
from authsvc.cli.demo.service import OwnService
from authsvc.cli.demo.story import Story
from authsvc.cli.demo.thief import Thief
from authsvc.cli.main import main
from authsvc.client import AuthsvcClient, Device
from authsvc.config import SETTINGS, Settings
from authsvc.events import TAGS
from authsvc.web.problems import PROBLEMS
from tests.caller import test_webhooks as webhooks
from tests.caller.signing import CLIENT, NOW, PAYMENT, Signer
from tests.support.other_languages import LANGUAGES, built
from tests.support.receiver import Receiver

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no section `{title}`"
    return found.group(1)


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def must_show(title: str, expected: list[list[str]]) -> None:
    """The section's table shows just this; a failure says what to write there."""
    found = [row[: len(expected[0])] for row in rows(title)]
    missing = ["| " + " | ".join(row) + " |" for row in expected if row not in found]
    foreign = [row[0] for row in found if row not in expected]
    assert found == expected, (
        f"README, `{title}`: add {missing}, remove {foreign}, keep the order of the code"
    )


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


# -- Tables ------------------------------------------------------------------------------------------------------------


def shown_default(name: str) -> str:
    value = getattr(Settings(), name)
    if value is None or value == "":
        return ""
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():.0f}`"
    return f"`{int(value) if isinstance(value, bool) else value}`"


def test_every_setting_is_in_the_readme_with_its_default_and_meaning():
    expected = [[f"`{each.variable}`", shown_default(each.name), each.meaning] for each in SETTINGS]
    must_show("Settings", expected)


def test_every_problem_is_in_the_readme():
    expected = [[f"`{each.slug}`", str(each.status), each.title] for each in PROBLEMS.values()]
    must_show("Problems", expected)


def test_every_event_is_in_the_readme():
    must_show("Events", [[f"`{tag}`", meaning] for tag, meaning in TAGS.items()])


def test_every_models_licence_is_in_the_readme():
    manifests = [tomllib.loads(file.read_text()) for file in sorted(manifest_folder().glob("*.toml"))]
    expected = [
        [f"`{each['id']}`", each["licence"]["name"], "yes" if each["licence"]["commercial"] else "**no**"]
        for each in manifests
    ]
    must_show("Weights and their licences", expected)


# -- Commands ----------------------------------------------------------------------------------------------------------


def words_of(cell: str) -> tuple[str, list[str]]:
    """`authsvc keys create`, `list` → keys and its commands."""
    first, *more = re.findall(r"`([^`]+)`", cell)
    group, *command = first.removeprefix("authsvc ").split()
    return group, [*command, *more]


def test_every_command_is_in_the_readme():
    assert sorted(words_of(row[0])[0] for row in rows("Commands")) == main.list_commands(click.Context(main))


@pytest.mark.parametrize("cell", [row[0] for row in rows("Commands")])
def test_a_command_of_the_readme_is_there_with_all_its_parts(cell):
    name, expected = words_of(cell)
    if not expected:
        return
    group = main.get_command(click.Context(main), name)
    assert isinstance(group, click.Group)
    assert set(expected) <= set(group.commands)


# -- Text ----------------------------------------------------------------------------------------------------------------


def test_the_transcript_tells_the_steps_that_the_demo_plays():
    (transcript,) = blocks(section("The demo"), "text")
    told = re.findall(r"^ *\d+ ok \S+ +(.*?) +\d+ ms", transcript, re.MULTILINE)
    photograph = (Photograph("p", b""),)
    cast = Cast(photograph, photograph, "note")
    given = OwnService(ROOT), AuthsvcClient("http://localhost", "ak_1_x", client="c"), cast
    steps = [*Story(*given).steps(), *Thief(*given).steps()]
    assert told == [what.strip() for what, _ in steps]
    assert f"All {len(told)} steps held." in transcript


def test_the_worked_example_of_the_binding_is_a_published_vector():
    text = (ROOT / "docs/binding.md").read_text()
    (canonical,), (digest,) = blocks(text, "json"), blocks(text, "text")
    vectors = json.loads((ROOT / "tests/vectors/binding-v1.json").read_text())["accepted"]
    assert (canonical.strip(), digest.strip()) in {(each["canonical"], each["digest"]) for each in vectors}


# -- Examples --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(model_dir: Path) -> Iterator[OwnService]:
    with OwnService(model_dir) as service:
        yield service


@pytest.fixture(scope="module")
def payer(service: OwnService) -> tuple[Phone, Device]:
    """A phone with an authenticator app, enrolled for the user of the example."""
    phone = Phone(service.url)
    with AuthsvcClient(service.url, service.api_key, client=DEVELOPMENT_CLIENT) as client:
        ticket = client.enroll("u_42")
    phone.add_app(ticket)
    device = phone.add_device(ticket, "a phone")
    phone.finish(ticket)
    return phone, device


def run_example(service: OwnService, phone: Phone, device: Device, order: str, code: str | None) -> list[str]:
    """What the README's example did, with the payer answering `code`, or declining without one."""
    happened: list[str] = []

    def send_payer_to(challenge):
        happened.append("asked")
        if code is not None:
            assert phone.type_code(challenge, code) is None
        else:
            phone.decline(challenge)

    (example,) = blocks(section("Fifteen lines of integration"), "python")
    exec(  # noqa: S102  # The example is ours, and running it is the point.
        compile(example, "README.md", "exec"),
        {
            "BASE_URL": service.url,
            "API_KEY": service.api_key,
            "TOLERATED": ["unsafe-no-pad"],
            "ORDER": order,
            "DEVICE_ID": device.id,
            "DEVICE_SECRET": device.secret,
            "send_payer_to": send_payer_to,
            "refuse": lambda status, reasons: happened.append(f"refused: {status}"),
            "move_the_money": lambda payment: happened.append(f"moved {payment.amount_minor}"),
        },
    )
    return happened


def test_the_readmes_example_moves_the_money_once_the_payer_has_proven_it(service, payer):
    phone, device = payer
    assert run_example(service, phone, device, "pay_1", phone.app.code()) == ["asked", "moved 125000"]


def test_the_readmes_example_moves_nothing_when_the_payer_declines(service, payer):
    phone, device = payer
    assert run_example(service, phone, device, "pay_2", None) == ["asked", "refused: declined_by_user"]


def test_the_readmes_example_has_about_fifteen_lines():
    (example,) = blocks(section("Fifteen lines of integration"), "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 18


def test_the_examples_of_the_integration_guide_run():
    receipts, hooks = blocks((ROOT / "docs/integration.md").read_text(), "python")
    signer, happened = Signer(), []
    given = {
        "token": signer.receipt(),
        "key_set": signer.jwks,
        "payment": PAYMENT,
        "now": NOW,
        "tolerated": (),
    }
    exec(compile(receipts.replace('"demo-shop"', repr(CLIENT)), "integration.md", "exec"), given)  # noqa: S102
    given = {
        "headers": webhooks.headers(),
        "body": webhooks.BODY,
        "secret": webhooks.SECRET,
        "now": webhooks.NOW,
        "act_once": lambda id, payload: happened.append(id),
        "answer": lambda status, reason: happened.append(reason),
    }
    exec(compile(hooks, "integration.md", "exec"), given)  # noqa: S102
    exec(compile(hooks, "integration.md", "exec"), {**given, "body": b"{}"})  # noqa: S102
    assert happened == ["msg_1", "signature"]


def test_a_native_app_pays_in_the_six_calls_of_its_guide(service, tmp_path):
    client = AuthsvcClient(service.url, service.api_key, client=DEVELOPMENT_CLIENT)
    with client as auth:
        photographs, phone = from_drawings().payer, Phone(service.url)
        ticket = auth.enroll("u_app")
        phone.consent(ticket, "face")
        phone.add_app(ticket)
        phone.add_face(ticket, photographs[:3])
        phone.finish(ticket)
        decision = auth.decide(a_payment(auth, "u_app", "pay_app", 125_000), risk_score=12)
        assert decision.challenge is not None
        guide = (ROOT / "docs/native-app.md").read_text()
        (app,) = blocks(guide, "python")
        shown: list[object] = []
        given = {
            "service": service.url,
            "challenge": decision.challenge.id,
            "token": decision.challenge.token,
            "photograph": photographs[3].content,
            "code": auth.issue_code(decision.id).code,
            "show": lambda *said: shown.extend(said),
        }
        exec(compile(app, "native-app.md", "exec"), given)  # noqa: S102
        assert given["ended"] == {"status": "authenticated"}, given
        assert shown == ["友谊商店", 125_000, "CNY"]
        assert auth.decision(decision.id).status == "authenticated"
    diagram = re.findall(r"^ \d  (\w+) +/v1/challenges/\{id\}(\S*)", guide, re.MULTILINE)
    assert re.findall(r'call\("(\w+)", "([^"]*)"', app) == diagram
    assert len(diagram) == 6


def a_payment(auth: AuthsvcClient, user: str, order: str, amount: int):
    return auth.payment(
        user,
        order,
        type="transfer",
        amount_minor=amount,
        currency="CNY",
        payee_id="cn:1",
        payee_name="友谊商店",
    )


@pytest.fixture(scope="module")
def live(service: OwnService, payer: tuple[Phone, Device]) -> dict[str, dict]:
    """A receipt and a webhook of the running service, and the same spoiled, in the form of the published vectors."""
    _, device = payer
    with (
        AuthsvcClient(service.url, service.api_key, client=DEVELOPMENT_CLIENT) as auth,
        Receiver() as receiver,
    ):
        payment = a_payment(auth, "u_42", "pay_live", 2_500)
        receipt = auth.decide(payment, device=device, risk_score=12).receipt
        assert receipt is not None
        endpoint = auth.webhooks.create(receiver.url)
        auth.webhooks.test(endpoint.id)
        (received, *_) = receiver.wait_for(1)
        keys = Wire(service.url, None).get("/.well-known/jwks.json").value
        auth.webhooks.delete(endpoint.id)
    now, stated = int(time.time()), {**asdict(payment), "user_id": "u_42", "client": DEVELOPMENT_CLIENT}
    stated.pop("subject")
    good = {
        "name": "good",
        "receipt": receipt,
        "audience": DEVELOPMENT_CLIENT,
        "issuer": "authsvc",
        "now": now,
    }
    good |= {"payment": stated, "tolerated_warnings": ["unsafe-no-pad"]}
    dearer = {**good, "name": "other-payment", "payment": {**stated, "amount_minor": 2_501}}
    forged = {**good, "name": "signature", "receipt": receipt[:-8] + "AAAAAAAA"}
    headers = {
        name: received.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    }
    told = {
        "name": "good",
        "secret": endpoint.secret,
        "headers": headers,
        "body": received.body.decode(),
        "now": now,
    }
    spoiled = {**told, "name": "signature", "body": received.body.decode().replace(":test", ":tset")}
    late = {**told, "name": "stale", "now": now + 400}
    return {
        "receipts": {"jwks": keys, "cases": [good, dearer, forged]},
        "webhooks": {"cases": [told, spoiled, late]},
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_in_another_language_judges_what_the_running_service_sends(live, language, tmp_path):
    example = built(language, tmp_path)
    assert example.verdicts("receipts", live["receipts"]) == {
        "good": "ok",
        "other-payment": "other-payment",
        "signature": "signature",
    }
    assert example.verdicts("webhooks", live["webhooks"]) == {
        "good": "ok",
        "signature": "signature",
        "stale": "stale",
    }


def test_every_reason_for_refusing_a_receipt_is_in_the_guide():
    source = (ROOT / "authsvc/caller/receipts.py").read_text()
    reasons = set(re.findall(r'ReceiptRefused\(\s*"([a-z-]+)"', source))
    guide = (ROOT / "docs/integration.md").read_text()
    assert len(reasons) == 12
    assert {reason for reason in reasons if f"`{reason}`" in guide} == reasons
