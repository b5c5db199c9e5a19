"""So few people calibrate nothing, and nothing is written."""

import json


def test_so_few_people_calibrate_nothing_and_nothing_is_written(run, folder, tmp_path):
    out = tmp_path / "manifest.toml"
    done = run("calibrate", "face", "--dir", folder, "--target", "1 in 1000", "--out", out, "--json")
    assert done.exit_code == 1, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    found = json.loads(done.stdout)
    assert found["operating_points"] == []
    assert all("impostor pairs, and 30000 are needed" in refusal["reason"] for refusal in found["refused"])
    assert not out.exists()
