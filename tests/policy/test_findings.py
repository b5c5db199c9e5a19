"""A finding as JSON, with the payment that shows it."""

from authsvc.policy.findings import Witness, breach
from authsvc.policy.level import Level
from tests.policy.builders import payment


def test_a_breach_names_clause_rule_and_payment() -> None:
    said = breach("too-mild", "asks too little", "Art. 4", Witness(payment(), Level.OTP), rule="a").to_json()
    assert (said["code"], said["severity"], said["message"]) == ("too-mild", "error", "asks too little")
    assert (said["rules"], said["clause"]) == (["a"], "Art. 4")
    assert said["witnesses"] == [{"level": "otp", "inputs": payment().to_snapshot()}]
    assert breach("x", "y", "z").rules == ()
