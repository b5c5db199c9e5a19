"""The commands of the model store, and what they refuse."""

import json

from click.testing import CliRunner

from authsvc.biometric.model_store.commands import models
from tests.biometric.model_store.shelf import Shelf


def run(shelf: Shelf, *words: str) -> tuple[int, str]:
    folder = shelf.archive.parent / "manifests"
    folder.mkdir(exist_ok=True)
    (folder / "drawn.toml").write_text(shelf.text())
    command, *rest = words
    result = CliRunner().invoke(
        models, [command, "--manifests", str(folder), "--model-dir", str(shelf.models), *rest]
    )
    return result.exit_code, result.output


def test_the_commands_prepare_list_and_verify(shelf: Shelf) -> None:
    assert json.loads(run(shelf, "list", "--json")[1])["models"][0]["state"] == "missing"
    assert run(shelf, "prepare", "--from-archive", str(shelf.archive))[0] == 0
    assert "drawn 1 (face matcher): ready; CC0-1.0" in run(shelf, "list")[1]
    assert run(shelf, "verify", "--json") == (0, '{"files": {"net.dat": "ready"}, "changed": []}\n')


def test_verify_fails_on_a_changed_file_and_says_which(shelf: Shelf) -> None:
    run(shelf, "prepare", "--from-archive", str(shelf.archive))
    (shelf.models / "net.dat").write_bytes(b"another file")
    code, output = run(shelf, "verify", "--json")
    assert code == 1
    assert json.loads(output)["changed"] == ["net.dat"]


def test_a_refusal_reads_as_one_line(shelf: Shelf) -> None:
    text = shelf.text()
    shelf.archive.write_bytes(b"not an archive")
    shelf.text = lambda: text  # type: ignore[method-assign]  # the manifest of the archive as it was
    code, output = run(shelf, "prepare", "--from-archive", str(shelf.archive))
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("Error: archive `pack-1.0.tar.gz` has 14 bytes")
