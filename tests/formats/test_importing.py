"""``swaram voice import``: from folders and a stand-in hub, the licence said, a self-check, nothing half done."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.errors import SwaramError
from swaram.formats import recognise
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.hub import fetched
from swaram.formats.metadata import forbids_commerce, stated_licence
from swaram.model.vits import Vits
from swaram.training.checkpoints import read_info
from swaram.training.warm_start import warm_start
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.corpora.hub import StandIn, stand_in  # noqa: F401 - a fixture
from tests.formats.foreign_voices import SENTENCE, write_vits

pytest.importorskip("transformers", reason="transformers is of the extra dev")
CARD = "---\nlicense: cc-by-4.0\nlanguage: ml\n---\n# A voice\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder as the hub holds it, with a program that must not be fetched."""
    folder = tmp_path_factory.mktemp("hub") / "mms-tts-mal"
    write_vits(folder, use_stochastic_duration_prediction=False)
    (folder / "modeling.py").write_text("raise SystemExit('run')")
    return folder


@pytest.fixture
def hub(stand_in, saved, monkeypatch):  # noqa: F811
    """Start a stand-in of the hub's models that holds the voice under ``repository``; more files may be given."""
    answer = StandIn.answer

    def for_models(self, body):
        self.path = self.path.replace("/api/models/", "/api/datasets/")
        answer(self, body)

    monkeypatch.setattr(StandIn, "answer", for_models)
    files = {file.name: file.read_bytes() for file in saved.iterdir()}

    def start(repository, inner="", **more):
        placed = {f"{inner}{name}": content for name, content in files.items()}
        return stand_in(placed | more.pop("files", {}), repository=repository, **more)

    return start


def import_(*arguments):
    return CliRunner().invoke(app, ["voice", "import", *map(str, arguments)], catch_exceptions=True)


def test_a_voice_of_the_hub_becomes_a_package_that_speaks(hub, tmp_path):
    endpoint, handler = hub("facebook/mms-tts-mal")
    start = tmp_path / "start"
    result = import_("facebook/mms-tts-mal", "-o", tmp_path / "mal", "--endpoint", endpoint, "--checkpoint", start)
    assert result.exit_code == 0, result.output
    assert "LICENCE CC-BY-NC-4.0: NOT FOR COMMERCIAL USE" in result.output
    assert "self-check:" in result.output and "dBFS" in result.output
    fetched_names = {path.rsplit("/", 1)[-1] for _verb, path, _range, _token in handler.seen if "resolve" in path}
    assert "model.safetensors" in fetched_names and "modeling.py" not in fetched_names
    voice = Voice.open(tmp_path / "mal")
    assert (voice.manifest.licence, voice.languages) == ("CC-BY-NC-4.0", ("ml",))
    card = (tmp_path / "mal" / "MODEL_CARD.md").read_text()
    assert "facebook/mms-tts-mal" in card and "Not for commercial use" in card
    engine = Engine(voice)
    windows = [window.samples for window in engine.stream(SpeechRequest(SENTENCE))]
    assert np.array_equal(np.concatenate(windows), engine.synthesise(SpeechRequest(SENTENCE)).audio)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("hf")) == ["mal", "start"]
    info = read_info(start)
    generator = Vits(info.config.model, info.config.data, len(info.symbols))
    started = warm_start(start, generator, torch.nn.Identity(), info.config, info.symbols, info.speakers)
    assert started.taken == len(generator.state_dict()) and not started.left


def test_a_folder_of_a_repository_is_fetched_alone(hub, tmp_path):
    endpoint, handler = hub("someone/voices", "models/mal/", files={"models/tam/config.json": b"{}", "README.md": b"x"})
    with fetched("someone/voices/models/mal", endpoint) as folder:
        assert json.loads((folder / "config.json").read_text())["model_type"] == "vits"
    assert not any("tam" in path for _verb, path, _range, _token in handler.seen if "resolve" in path)
    assert not folder.exists()


def test_a_gated_voice_an_unknown_one_and_a_dead_hub_are_one_sentence(hub, monkeypatch):
    endpoint, _handler = hub("someone/gated", gated=True)
    with pytest.raises(FormatError, match=r"gated; accept its terms at .*HF_TOKEN"), fetched("someone/gated", endpoint):
        pass
    monkeypatch.setenv("HF_TOKEN", "right")
    with fetched("someone/gated", endpoint) as folder:
        assert (folder / "vocab.json").is_file()
    for source, where, words in (
        ("someone/else", endpoint, "not found|broke off"),
        ("someone/gated", "http://127.0.0.1:9", "broke off"),
        ("someone/gated/../../etc", endpoint, "no id of the hub"),
        ("nowhere", endpoint, "no such file or folder"),
    ):
        with pytest.raises(SwaramError, match=words) as error, fetched(source, where):
            pass
        assert "\n" not in str(error.value)


def test_a_stated_licence_is_taken_over_and_the_users_word_goes_first(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "voice")
    assert stated_licence(folder) == ""
    (folder / "README.md").write_text(CARD)
    assert stated_licence(folder) == "CC-BY-4.0"
    form = recognise(folder)
    assert form.read(folder, ImportOptions("x", origin="me/voice")).facts.attribution == ["me/voice"]
    result = import_(folder, "-o", tmp_path / "mine", "--licence", "CC0-1.0", "--attribution", "Asha", "--half")
    assert result.exit_code == 0 and "licence: CC0-1.0" in result.output and "***" not in result.output
    manifest = Voice.open(tmp_path / "mine").manifest
    assert (manifest.licence, manifest.attribution) == ("CC0-1.0", ["Asha"])
    half = onnx.load(tmp_path / "mine" / "decoder.onnx").graph.initializer
    assert any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in half)


def test_a_format_is_recognised_without_pytorch(saved):
    program = (
        "import sys; from pathlib import Path; import swaram.cli.voice\n"
        "from swaram.formats import recognise\n"
        "print(recognise(Path(sys.argv[1])).name, 'torch' in sys.modules, 'onnx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(saved)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["huggingface", "False", "False"]


def test_licences_that_forbid_commerce_are_known(tmp_path):
    forbidding = ("CC-BY-NC-4.0", "cc-by-nc-sa-4.0", "CC BY-NC 4.0", "Non-commercial research only")
    assert all(forbids_commerce(licence) for licence in forbidding)
    assert not any(forbids_commerce(licence) for licence in ("", "CC-BY-4.0", "Apache-2.0", "MIT", "ncsa"))
    assert stated_licence(tmp_path, "facebook/mms-tts-tam") == "CC-BY-NC-4.0"
    assert stated_licence(tmp_path, "someone/voice") == ""


@pytest.mark.parametrize(("factor", "words"), [(0.0, "silent"), (1000.0, "clipped")])
def test_a_voice_that_does_not_speak_is_not_written(saved, tmp_path, factor, words):
    folder = shutil.copytree(saved, tmp_path / "bad")
    tensors = load_file(folder / "model.safetensors")
    tensors["decoder.conv_post.weight"] = tensors["decoder.conv_post.weight"] * factor
    save_file(tensors, folder / "model.safetensors")
    result = import_(folder, "-o", tmp_path / "voice", "--checkpoint", tmp_path / "start")
    assert isinstance(result.exception, SwaramError) and words in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


def test_what_stands_there_is_not_overwritten(saved, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for arguments in (("-o", tmp_path / "mine"), ("-o", tmp_path / "new", "--checkpoint", tmp_path / "mine")):
        result = import_(saved, *arguments)
        assert isinstance(result.exception, SwaramError) and "exists" in str(result.exception)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear" and not (tmp_path / "new").exists()


def test_formats_are_named_and_unknown_things_refused(saved, tmp_path):
    (tmp_path / "text.txt").write_text("no voice")
    for arguments, words in (
        ((tmp_path / "text.txt",), "of no known format"),
        ((saved, "--from", "wav2vec"), "choose one of rasa, huggingface, original, piper"),
        ((saved, "--from", "sherpa-onnx"), "cannot be read"),
        ((saved, "--from", "original"), r"holds no G_<step>\.pth"),
    ):
        result = import_(*arguments, "-o", tmp_path / "voice")
        assert isinstance(result.exception, SwaramError), result.output
        assert any(part in str(result.exception) for part in (words, words.replace("\\", "")))
    result = CliRunner().invoke(app, ["voice", "export", str(saved), "-o", str(tmp_path / "x"), "--to", "rasa"])
    assert "cannot be written" in str(result.exception)
