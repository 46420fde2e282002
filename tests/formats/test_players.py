"""Voices of ours in Piper and in sherpa-onnx: the same ids, the same samples, and back again the same voice."""

import hashlib
import json
import shutil
import subprocess
import sys
import unicodedata
import wave
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.config import parse_config
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.onnx_join import join_package, player_ids
from swaram.formats.registry import find_format
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo, write_checkpoint
from swaram.voice.engine import Engine
from swaram.voice.packing import write_package
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.conftest import SHIPPED
from tests.formats.players import ask_piper, ask_sherpa, need
from tests.model.tiny import DECODERS, TINY
from tests.voice.toy_voice import write_toy_voice

# Vowel signs in two parts, chillu letters, a conjunct, marks.
TEXTS = ("കൊടുങ്കാറ്റും കോട്ടയും, പൊതുജനം?", "നമസ്കാരം; ഇവൻ അവൾ!")
STILL = SpeechRequest(noise_scale=0.0, duration_noise_scale=0.0)
LARGEST = 1e-4


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> dict[str, Path]:
    """The shipped voice in both formats, written by the command."""
    folder = tmp_path_factory.mktemp("exported")
    for name in ("piper", "sherpa-onnx"):
        arguments = ["voice", "export", str(SHIPPED / "malayalam"), "--to", name, "--out", str(folder / name)]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        assert "without noise it differs by" in result.output
    return {name: folder / name for name in ("piper", "sherpa-onnx")}


def own_sound(engine: Engine, text: str, speaker: int) -> np.ndarray:
    return engine.models.decode_whole(engine.models.encode(engine.voice.symbols.encode(text), STILL, speaker, 0))


def test_piper_gives_the_ids_of_our_table_and_speaks_the_same_samples(exported, shipped, tmp_path):
    model = exported["piper"] / "piper.onnx"
    requests = [{"text": text, "speaker": speaker} for text in TEXTS for speaker in (0, 1, 2)]
    answers = ask_piper(model, tmp_path, requests)
    table = shipped.voice.symbols
    worst = 0.0
    for request, answer in zip(requests, answers, strict=True):
        (sentence,) = answer["sentences"]
        assert sentence == unicodedata.normalize("NFD", request["text"])
        # Piper decomposes; composed again, its ids are those of the table, but for the blanks at both ends.
        composed = unicodedata.normalize("NFC", sentence)
        assert answer["ids"][:3] == table.encode(composed)[1:4]
        if "ൊ" not in composed and "ോ" not in composed:
            assert answer["ids"] == table.encode(composed)[1:-1]
        own = own_sound(shipped, request["text"], request["speaker"])
        assert answer["audio"].shape == own.shape
        worst = max(worst, float(np.abs(answer["audio"] - own).max()))
    assert worst < LARGEST


def test_pipers_own_command_speaks_it(exported, tmp_path):
    need("piper", "piper-tts")
    out = tmp_path / "said.wav"
    command = [sys.executable, "-m", "piper", "-m", str(exported["piper"] / "piper.onnx"), "-f", str(out), "--speaker"]
    done = subprocess.run([*command, "2"], input=TEXTS[0], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with wave.open(str(out)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        assert file.getframerate() == 16_000
    assert 1.0 < len(sound) / 16_000 < 10.0 and np.abs(sound).max() > 3000
    assert "Missing phoneme" not in done.stderr


def test_pipers_description_is_complete(exported):
    said = json.loads((exported["piper"] / "piper.onnx.json").read_text())
    assert {
        "dataset", "audio", "espeak", "language", "inference", "phoneme_type", "phoneme_map", "phoneme_id_map",
        "num_symbols", "num_speakers", "speaker_id_map", "piper_version", "hop_length", "default_speaker_id",
    } <= set(said)  # fmt: skip
    assert said["language"] == {
        "code": "ml_IN", "family": "ml", "region": "IN", "name_native": "മലയാളം", "name_english": "Malayalam",
        "country_english": "India",
    }  # fmt: skip
    assert said["speaker_id_map"] == {"katha": 0, "pulari": 1, "thira": 2} and said["num_speakers"] == 3
    assert (said["phoneme_type"], said["audio"]["sample_rate"], said["hop_length"]) == ("text", 16_000, 256)
    assert said["num_symbols"] > max(ids[0] for ids in said["phoneme_id_map"].values())
    model = onnx.load(exported["piper"] / "piper.onnx", load_external_data=False)
    assert [value.name for value in model.graph.input] == ["input", "input_lengths", "scales", "sid"]
    assert {file.name for file in exported["piper"].iterdir()} >= {"LICENSE", "MODEL_CARD.md"}


def test_out_to_piper_and_in_again_is_the_same_voice(exported, shipped, tmp_path):
    read = find_format("piper", to_write=False).read(exported["piper"], ImportOptions("malayalam"))
    write_package(tmp_path / "again", read.models, read.manifest, read.card, read.licence_text)
    again = Engine(Voice.open(tmp_path / "again"))
    before, after = shipped.voice.manifest.model_dump(), again.voice.manifest.model_dump()
    assert {key for key in before if before[key] != after[key]} <= {"files"}
    for speaker in (0, 2):
        request = SpeechRequest(TEXTS[0], speaker=speaker, seed=11)
        assert np.array_equal(again.synthesise(request).audio, shipped.synthesise(request).audio)
    for paper in ("LICENSE", "MODEL_CARD.md"):
        assert (tmp_path / "again" / paper).read_bytes() == (SHIPPED / "malayalam" / paper).read_bytes()


def test_sherpa_speaks_the_same_samples_with_every_speaker(exported, shipped, tmp_path):
    folder = exported["sherpa-onnx"]
    requests = [{"text": TEXTS[0], "speaker": speaker} for speaker in (0, 1, 2)]
    requests.append({"text": TEXTS[0], "speaker": 1, "speed": 0.5})
    answers = ask_sherpa(folder / "sherpa-onnx.onnx", folder / "tokens.txt", tmp_path, requests)
    worst = 0.0
    for request, answer in zip(requests[:3], answers, strict=False):
        assert (answer["sample_rate"], answer["speakers"]) == (16_000, 3)
        own = own_sound(shipped, request["text"], request["speaker"])
        # After the last question mark sherpa-onnx also speaks the empty sentence that follows: a moment of silence.
        said, rest = answer["audio"][: len(own)], answer["audio"][len(own) :]
        assert said.shape == own.shape and len(rest) < 0.4 * 16_000
        worst = max(worst, float(np.abs(said - own).max()))
    assert worst < LARGEST
    assert len(answers[3]["audio"]) > 1.5 * len(answers[1]["audio"])


def test_sherpas_metadata_and_tokens_are_as_it_wants_them(exported, shipped):
    folder = exported["sherpa-onnx"]
    model = onnx.load(folder / "sherpa-onnx.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["model_type"] == "vits" and said["frontend"] == "characters" and "piper" in said["comment"]
    assert (said["n_speakers"], said["sample_rate"], said["language"]) == ("3", "16000", "Malayalam")
    assert (said["add_blank"], said["blank_id"], said["bos_id"], said["eos_id"]) == ("1", "0", "1", "2")
    lines = (folder / "tokens.txt").read_text().splitlines()
    assert "  3" in lines and "ക 29" in lines
    symbols = [line.rsplit(" ", 1)[0] for line in lines]
    assert all(len(symbol) == 1 for symbol in symbols) and len(set(symbols)) == len(symbols)
    assert not {"_", "^", "$"} & set(symbols)
    assert set(shipped.voice.symbols.symbols) - {"_", "^", "$"} <= set(symbols)


@pytest.mark.parametrize("speakers", [1, 2])
@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"edges": False},
        {"bos": False, "eos": False},
        {"bos": False, "eos": False, "blank": False},
        {"bos": False, "eos": False, "blank_id": 20},
    ],
)
def test_every_kind_of_symbol_table_is_given_as_the_voice_reads_it(tmp_path, speakers, switches):
    folder = write_toy_voice(tmp_path / "toy", speakers=speakers)
    manifest = json.loads((folder / "voice.json").read_text())
    manifest["symbols"] |= switches
    (folder / "voice.json").write_text(json.dumps(manifest))
    engine = Engine(Voice.open(folder))
    session = onnxruntime.InferenceSession(join_package(engine.voice.package).SerializeToString())
    ids = player_ids(engine.voice.symbols)
    for text in ("", "കൊക്കോ", "ൊൊ, ോ"):
        given = [ids.marks["^"], ids.marks["_"]]
        for character in unicodedata.normalize("NFD", text):
            given += [ids.ids[character], ids.marks["_"]]
        given.append(ids.marks["$"])
        feed = {"input": np.array([given]), "input_lengths": np.array([len(given)])}
        feed |= {"scales": np.array([0, 1, 0], np.float32)} | ({"sid": np.array([1])} if speakers > 1 else {})
        if not engine.voice.symbols.encode(text):
            continue
        own = own_sound(engine, text, 1)
        assert np.allclose(session.run(None, feed)[0].reshape(-1), own, rtol=0, atol=1e-5)


def test_letters_of_three_parts_are_composed_step_by_step():
    ids = player_ids(SymbolTable(["_", "^", "$", "ೋ"]))
    parts = [ids.ids[part] for part in unicodedata.normalize("NFD", "ೋ")]
    assert len(parts) == 3
    for first, second, together in ids.merges:
        for place in range(len(parts) - 1):
            if parts[place : place + 2] == [first, second]:
                parts[place : place + 2] = [together]
                break
    assert parts == [3]


def test_what_is_not_a_players_is_refused(tmp_path, toy_folder):
    target = tmp_path / "full"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(
        app, ["voice", "export", str(toy_folder / "toy"), "--to", "piper", "--out", str(target)]
    )
    assert isinstance(result.exception, FormatError) and "holds other files" in str(result.exception)
    assert (target / "thesis.txt").read_text() == "mine"
    phonemes = Path(shutil.copytree(toy_folder / "toy", tmp_path / "phonemes"))
    manifest = json.loads((phonemes / "voice.json").read_text())
    manifest |= {"format_version": 2, "text": {"symbols": "phonemes", "espeak_voice": "ml"}}
    (phonemes / "voice.json").write_text(json.dumps(manifest))
    with pytest.raises(FormatError, match="reads phonemes"):
        find_format("sherpa-onnx", to_write=True).write(phonemes, tmp_path / "out", None)


def test_styles_and_further_languages_are_left_out_and_that_is_said(tmp_path):
    folder = write_toy_voice(tmp_path / "toy", speakers=1)
    model = onnx.load(folder / "frontend.onnx")
    for name in ("language", "style"):
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["B"]))
    content = model.SerializeToString()
    (folder / "frontend.onnx").write_bytes(content)
    manifest = json.loads((folder / "voice.json").read_text())
    manifest |= {"format_version": 2, "styles": ["none", "news"], "languages": ["ml", "ta"]}
    manifest["files"]["frontend.onnx"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "voice.json").write_text(json.dumps(manifest))
    for name in ("piper", "sherpa-onnx"):
        said = find_format(name, to_write=True).write(folder, tmp_path / name, None)
        assert said.endswith("; there it reads ml only and it speaks without its styles")
    read = find_format("piper", to_write=False).read(tmp_path / "piper", ImportOptions("toy"))
    again = onnx.load_from_string(read.models["frontend.onnx"])
    assert {"language", "style"} <= {value.name for value in again.graph.input}


def test_a_checkpoint_with_a_decoder_of_the_paper_goes_to_piper(tmp_path):
    config = parse_config({**TINY, "model": {**TINY["model"], "decoder": DECODERS["hifigan"]}})
    symbols = SymbolTable.for_languages(*config.data.languages)
    torch.manual_seed(8)
    model = Vits(config.model, config.data, len(symbols), 2)
    info = CheckpointInfo(config, symbols, ["anu", "binu"], False, step=7, seconds_trained=60.0)
    write_checkpoint(tmp_path / "step-7", info, {"generator": model.state_dict()})
    out = tmp_path / "made"
    arguments = ["voice", "export", str(tmp_path / "step-7"), "--to", "piper", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    said = json.loads((out / "made.onnx.json").read_text())
    assert said["speaker_id_map"] == {"anu": 0, "binu": 1}
    (answer,) = ask_piper(out / "made.onnx", tmp_path / "asked", [{"text": "നമസ്കാരം", "speaker": 1}])
    assert answer["ids"] == symbols.encode("നമസ്കാരം")[1:-1]
    assert len(answer["audio"]) >= 256 * len(answer["ids"]) and np.isfinite(answer["audio"]).all()
