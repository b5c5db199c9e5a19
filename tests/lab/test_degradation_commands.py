"""Spoiled photographs are measured by kind."""

import json


def test_spoiled_photographs_are_measured_by_kind(run, folder):
    done = run("degradations", "--dir", folder, "--exclude", "bbt_amy", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["degradations"]
    assert rows["dark"]["fta_hints"].get("too_dark", 0) > 0
    assert rows["blur, strong"]["fta"] == 1
    assert rows["clean"]["fta_trials"] == rows["grey"]["fta_trials"] == 4
