"""Voices stored small: what a voice in bytes says, and what becomes of it."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from swaram.cli.main import main
from swaram.export.facts import VoiceFacts
from swaram.export.storage import shrink_voice
from swaram.recognition import Recognizer
from swaram.recognition.error_rates import error_rate
from swaram.recognition.units import plain
from swaram.text.normalise import normalise
from swaram.voice.check import examine_voice
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.conftest import SHIPPED
from tests.export.exported import TEXT, exported
from tests.recorded_speech import RECORDINGS, ROOT

MODELS = ("frontend.onnx", "flow.onnx", "decoder.onnx")


def test_an_export_in_bytes_speaks_as_the_rounded_model_and_is_a_fraction_of_the_size(tmp_path, monkeypatch):
    whole = exported(tmp_path / "whole", half=False, speakers=3)
    monkeypatch.setattr("tests.export.exported.VoiceFacts", lambda *a, **k: VoiceFacts(*a, **{**k, "eight_bits": True}))
    small = exported(tmp_path / "small", speakers=3)  # fails where ONNX and the rounded PyTorch model differ
    assert examine_voice(small.voice).difference < 1e-5
    sizes = [sum(len(e.voice.package.decoder) for e in (engine,)) for engine in (whole, small)]
    assert sizes[1] < sizes[0]
    assert len(small.synthesise(SpeechRequest(TEXT)).audio) > 0


def test_a_voice_shrunk_is_the_voice_with_rounded_weights(tmp_path):
    exported(tmp_path, half=False, speakers=2)
    before, after = shrink_voice(tmp_path / "voice", tmp_path / "small")
    assert after < before
    one, other = (Voice.open(tmp_path / name) for name in ("voice", "small"))
    assert other.manifest.speakers == one.manifest.speakers and other.manifest.licence == "CC0-1.0"
    for name in MODELS:
        stored = onnx.load(tmp_path / "small" / name)
        for tensor in stored.graph.initializer:
            large = tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
            assert not large or np.prod(tensor.dims) < 70_000
    assert len(Engine(other).synthesise(SpeechRequest(TEXT)).audio) > 0
    again = shrink_voice(tmp_path / "small", tmp_path / "again")
    assert again[1] == pytest.approx(after, rel=0.01)


def test_the_command_shrinks_and_says_what_came_of_it(tmp_path, capsys):
    exported(tmp_path, half=False)
    main_done(["voice", "shrink", str(tmp_path / "voice"), "--out", str(tmp_path / "small")])
    assert "MB before" in capsys.readouterr().out
    assert json.loads((tmp_path / "small" / "voice.json").read_text(encoding="utf-8"))["name"] == "made by a test"


def main_done(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code


def test_the_shipped_voice_is_stored_small():
    size = sum(path.stat().st_size for path in (SHIPPED / "malayalam").iterdir())
    assert size < 12_000_000
    for name in MODELS:
        graph = onnx.load(SHIPPED / "malayalam" / name).graph
        tensors = [*graph.initializer, *(node.attribute[0].t for node in graph.node if node.op_type == "Constant")]
        wide = [t.name for t in tensors if t.data_type == TensorProto.FLOAT and np.prod(t.dims) > 20_000]
        assert not wide and any(numpy_helper.to_array(t).dtype == np.int8 for t in tensors)


def test_the_shipped_voice_is_understood(shipped):
    """As before its weights were stored in bytes: 0.22 of the characters wrong over 84 sentences, then and now."""
    recognizer = Recognizer.load(ROOT / "recognizers" / "ml")
    texts = [
        line for line in (RECORDINGS / "sentences.txt").read_text(encoding="utf-8").split("\n") if 20 < len(line) < 90
    ]
    said, heard = [], []
    for number, text in enumerate(texts[:: len(texts) // 8][:8]):
        speech = shipped.synthesise(SpeechRequest(text, speaker="katha", seed=number))
        said.append(plain(normalise(text, "ml")))
        heard.append(recognizer.transcribe(speech.audio, speech.sample_rate).text)
    assert error_rate(said, heard) < 0.35
