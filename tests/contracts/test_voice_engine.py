"""What every voice engine promises, run for each one that is here; the voices come from the shared recordings."""

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from authsvc.biometric.manifest import Manifest, manifest_folder, parse_manifest, read_manifest
from authsvc.biometric.weights import verified_weights
from authsvc.errors import ModelUnusable
from authsvc.voice.audio import decode
from authsvc.voice.build import DEFAULT_MODEL, SPEECH_DETECTOR, speaker_encoder
from authsvc.voice.ecapa_speechbrain_engine import EcapaEncoder
from authsvc.voice.engine import SpeakerEncoder
from authsvc.voice.onnx_speaker_engine import OnnxSpeakerEncoder
from authsvc.voice.silero_engine import SileroSpeechDetector
from authsvc.voice.speech import find_speech
from tests.voice.sounds import say

Samples = np.ndarray


def ge2e_onnx(models: Path, work: Path) -> SpeakerEncoder:
    try:
        return speaker_encoder(models, read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"))
    except ModelUnusable as error:
        pytest.skip(f"no prepared voice models: {error.detail}")


def onnx_speaker(models: Path, work: Path) -> SpeakerEncoder:
    """A network of the wiring's shape, mean and deviation of 80 log-mel bands: enough to tell two voices apart."""
    onnx = pytest.importorskip("onnx", reason="drawing a network needs the `prepare` extra")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["sound", "mean"], ["centred"]),
        helper.make_node("ReduceL2", ["centred"], ["spread"], axes=[1], keepdims=0),
        helper.make_node("ReduceMean", ["sound"], ["flat"], axes=[1], keepdims=0),
        helper.make_node("Concat", ["flat", "spread"], ["vector"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("sound", kind, [1, "frames", 80])],
        [helper.make_tensor_value_info("vector", kind, [1, 160])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = work / "drawn.onnx"
    file.write_bytes(model.SerializeToString())
    return OnnxSpeakerEncoder(file, drawn_manifest())


def ecapa_speechbrain(models: Path, work: Path) -> SpeakerEncoder:
    """ECAPA's own classes with a small random checkpoint: the wiring, not the accuracy."""
    torch = pytest.importorskip("torch", reason="the extra `ecapa` is not installed")
    stand_in_for_torchaudio()
    pytest.importorskip("speechbrain", reason="the extra `ecapa` is not installed")
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    torch.manual_seed(1)
    small: dict[str, Any] = {"channels": (16, 16, 16, 16, 48), "attention_channels": 8}
    shape = {"kernel_sizes": [5, 3, 3, 3, 1], "dilations": [1, 2, 3, 4, 1], "lin_neurons": 192}
    network = ECAPA_TDNN(80, channels=list(small["channels"]), attention_channels=8, **shape)
    torch.save(network.state_dict(), work / "small.ckpt")
    return EcapaEncoder(work / "small.ckpt", **small)


def stand_in_for_torchaudio() -> None:
    """SpeechBrain imports torchaudio, which ECAPA never uses and which does not load beside a CPU build of torch."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):
        for name in ("torchaudio", "torchaudio.transforms", "torchaudio.functional"):
            sys.modules[name] = types.ModuleType(name)
        whole = sys.modules["torchaudio"]
        whole.__version__ = "2.11.0"  # type: ignore[attr-defined] # a module made by hand
        whole.transforms, whole.functional = (  # type: ignore[attr-defined] # as above
            sys.modules["torchaudio.transforms"],
            sys.modules["torchaudio.functional"],
        )


def drawn_manifest(**form: object) -> Manifest:
    lines = "".join(f"{name} = {str(value).lower()}\n" for name, value in form.items())
    return parse_manifest(
        'id = "drawn"\nversion = "1"\nmodality = "voice"\nrole = "matcher"\nengine = "onnx_speaker"\ntitle = "drawn"\n'
        'dimension = 160\nlicence = { name = "CC0-1.0", training_data = "none", commercial = true }\nweights = []\n'
        f'[input]\nform = "fbank"\nscale = 32768.0\ncentred = false\n{lines}'
    )


ENCODERS: dict[str, Callable[[Path, Path], SpeakerEncoder]] = {
    "ge2e_onnx": ge2e_onnx,
    "onnx_speaker": onnx_speaker,
    "ecapa_speechbrain": ecapa_speechbrain,
}
# What tells people apart in earnest; the others are drawn or random.
TRAINED = ("ge2e_onnx",)


@pytest.fixture(scope="module")
def detector(model_dir: Path) -> SileroSpeechDetector:
    try:
        weights = verified_weights(model_dir, read_manifest(manifest_folder() / f"{SPEECH_DETECTOR}.toml"))
    except ModelUnusable as error:
        pytest.skip(f"no prepared voice models: {error.detail}")
    made = SileroSpeechDetector(weights["speech"])
    made.load()
    return made


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request: pytest.FixtureRequest, model_dir: Path, tmp_path_factory: pytest.TempPathFactory):
    made = ENCODERS[request.param](model_dir, tmp_path_factory.mktemp("weights"))
    made.load()
    return made


@pytest.fixture(scope="module")
def phrases(voices_dir: Path, detector: SileroSpeechDetector) -> dict[str, list[Samples]]:
    """Three phrases of each of three people, speech only."""
    return {
        person.name: [
            find_speech(decode(file.read_bytes()), detector).only for file in sorted(person.iterdir())[:3]
        ]
        for person in sorted((voices_dir / "chapters").iterdir())
    }


def test_every_vector_is_of_unit_length(encoder: SpeakerEncoder, phrases: dict[str, list[Samples]]):
    vectors = encoder.describe(phrases["19"])
    assert vectors.shape == (3, encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_many_at_once_are_as_one_by_one(encoder: SpeakerEncoder, phrases: dict[str, list[Samples]]):
    several = [phrase for own in phrases.values() for phrase in own][:4]
    alone = np.stack([encoder.describe([phrase])[0] for phrase in several])
    assert np.abs(encoder.describe(several) - alone).max() < 1e-5


def test_the_default_encoder_answers_what_the_published_network_does(model_dir: Path, tmp_path: Path):
    """Vectors of the original checkpoint in torch, three drawn sounds, stored as float16."""
    stored = json.loads((Path(__file__).parent.parent / "vectors" / "ge2e-v1.json").read_text())
    encoder = ge2e_onnx(model_dir, tmp_path)
    encoder.load()
    vectors = encoder.describe([say(one["digits"], one["pitch"]) for one in stored["sounds"]])
    expected = np.array([one["vector"] for one in stored["sounds"]])
    assert ((vectors * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)).min() > 0.9999


def test_a_phrase_shorter_than_a_window_is_described_too(encoder: SpeakerEncoder):
    tone = np.sin(np.arange(4000) / 10).astype(np.float32)
    assert np.isfinite(encoder.describe([tone])).all()


def test_every_person_is_more_like_themselves_than_like_anybody_else(
    encoder: SpeakerEncoder, phrases: dict[str, list[Samples]]
):
    if encoder.id not in TRAINED:
        pytest.skip(f"the weights of `{encoder.id}` here are drawn or random")
    vectors = encoder.describe([phrase for own in phrases.values() for phrase in own])
    people = np.repeat(list(phrases), 3)
    same = people[:, None] == people
    scores = vectors @ vectors.T
    assert scores[same].min() > scores[~same].max()


def test_speech_is_found_in_speech_and_none_in_noise(detector: SileroSpeechDetector, voices_dir: Path):
    spoken = decode(next((voices_dir / "chapters" / "19").iterdir()).read_bytes()).samples
    assert (detector.probabilities(spoken) > 0.5).mean() > 0.5
    noise = (np.random.default_rng(0).standard_normal(32000) / 20).astype(np.float32)
    assert (detector.probabilities(noise) > 0.5).mean() == 0
    assert detector.probabilities(spoken).shape == (-(-spoken.size // 512),)


@pytest.mark.parametrize(
    "make",
    [
        SileroSpeechDetector,
        lambda file: OnnxSpeakerEncoder(file, drawn_manifest()),
        EcapaEncoder,
    ],
)
def test_an_engine_that_was_not_loaded_says_so(make: Callable[[Path], Any], tmp_path: Path):
    engine = make(tmp_path / "weights")
    ask = engine.describe if hasattr(engine, "describe") else engine.probabilities
    with pytest.raises(ModelUnusable, match="before it was loaded"):
        ask([np.zeros(16000, dtype=np.float32)])


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelUnusable, match="is not an ONNX network"):
        SileroSpeechDetector(tmp_path / "net.onnx").load()


@pytest.mark.parametrize("form", [{"form": '"cepstra"'}, {"bands": 7}, {"window": '"kaiser"'}, {"dither": 1}])
def test_an_input_form_that_is_none_is_refused(form: dict[str, object]):
    text = drawn_manifest().model_copy(update={"input": {"form": "fbank"} | form})
    with pytest.raises(ModelUnusable, match=r"manifest `drawn`, field `input\."):
        OnnxSpeakerEncoder(Path("net.onnx"), text)


def test_a_network_of_other_dimensions_is_refused(tmp_path: Path, model_dir: Path):
    onnx_speaker(model_dir, tmp_path)
    manifest = drawn_manifest().model_copy(update={"dimension": 192})
    with pytest.raises(ModelUnusable, match="160 numbers, and 192 are expected"):
        OnnxSpeakerEncoder(tmp_path / "drawn.onnx", manifest).load()


def test_without_torch_the_answer_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnusable, match="install the extra `ecapa`"):
        EcapaEncoder(tmp_path / "embedding_model.ckpt").load()


def test_a_torchaudio_of_another_build_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    class LinkedElsewhere:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "torchaudio":
                raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.delitem(sys.modules, "torchaudio", raising=False)
    monkeypatch.setattr(sys, "meta_path", [LinkedElsewhere(), *sys.meta_path])
    with pytest.raises(ModelUnusable, match="torchaudio cannot be loaded: libcudart"):
        EcapaEncoder(tmp_path / "embedding_model.ckpt").load()
