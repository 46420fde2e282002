"""Every decoder and every embedding goes into a voice package that speaks exactly as the model, streamed or not."""

import json
from pathlib import Path

import numpy as np
import pytest

from swaram.config.config import parse_config
from swaram.export.graphs import choices_of, frontend_graph
from swaram.model.vits import Vits
from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError, VoiceError
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.export.exported import TEXT, exported
from tests.model.tiny import DECODERS, TINY


@pytest.mark.parametrize(
    ("name", "speakers", "sums"),
    [*((name, 2, False) for name in DECODERS), ("vocos-causal", 1, False), ("harmonic-short", 2, True)],
)
def test_streamed_equals_one_pass_with_every_decoder(tmp_path, name, speakers, sums):
    engine = exported(tmp_path, speakers, decoder=DECODERS[name], duration_predictor="plain", duration_sums=sums)
    stated = json.loads((tmp_path / "voice" / "voice.json").read_text())["decoder"]
    latent = engine.encode(engine.reader(SpeechRequest()).read(TEXT).passages[0], SpeechRequest(TEXT), 0)
    windows = list(engine.windows(latent))
    assert engine.models.carries_state == {"flow": True, "decoder": True}
    assert len(windows) > 1 and windows[0].high < latent.length
    assert 0 <= windows[0].high - windows[0].end - stated["right_margin"] <= 1
    whole = engine.models.decode_whole(latent)
    assert np.abs(whole).max() > 1e-3
    joined = np.concatenate([engine.models.decode(latent, window) for window in windows])
    assert np.abs(joined - whole).max() < 1e-5


def test_languages_and_styles_are_inputs_only_where_a_voice_has_several():
    several = {"speaker", "language", "style"}
    for data, wanted in (({}, set()), ({"languages": ["ml", "ta"]}, {"language"}), ({"styles": ["SAD"]}, {"style"})):
        plain = {**TINY["model"], "duration_predictor": "plain"}
        config = parse_config({**TINY, "data": {**TINY["data"], **data}, "model": plain})
        model = Vits(config.model, config.data, 30, 1).eval()
        assert set(choices_of(model)) == wanted
        graph = frontend_graph(model)
        assert several & {node.name for node in graph.graph.input} == wanted
        # A language is the text's alone; a style goes on to flow and decoder.
        assert ("conditioning" in {node.name for node in graph.graph.output}) == (wanted == {"style"})


@pytest.fixture(scope="module")
def rich(tmp_path_factory) -> Engine:
    """A voice of two speakers, two languages and two styles, with stochastic durations."""
    data = {"languages": ["mr", "kok"], "styles": ["HAPPY", "SAD"]}
    return exported(tmp_path_factory.mktemp("rich"), 2, data=data, duration_predictor="stochastic")


def spoken(engine: Engine, **choices: object) -> np.ndarray:
    return engine.synthesise(SpeechRequest("आई घरी आली.", **choices)).audio


def test_language_style_and_speaker_each_change_the_speech(rich):
    usual = spoken(rich)
    for choice in ({"language": "kok"}, {"style": "happy"}, {"style": "SAD"}, {"speaker": "speaker-1"}):
        other = spoken(rich, **choice)
        assert other.shape != usual.shape or np.abs(other - usual).max() > 1e-4, choice
    for choice in ({"language": "mr"}, {"style": "none"}, {"speaker": "speaker-0"}):
        assert np.array_equal(spoken(rich, **choice), usual), choice


def test_a_style_is_listed_and_an_unknown_one_is_refused_with_the_list(rich, toy):
    assert rich.voice.manifest.styles == ["none", "HAPPY", "SAD"]
    with pytest.raises(SpeechError, match="no such style; choose one of none, HAPPY, SAD"):
        rich.synthesise(SpeechRequest("आई.", style="angry"))
    with pytest.raises(SpeechError, match="single style"):
        toy.synthesise(SpeechRequest("അമ്മ.", style="angry"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [({"styles": ["none", "None"]}, "key styles"), ({"default_style": 3}, "key default_style")],
)
def test_wrong_styles_in_a_manifest_are_named(rich, tmp_path, keys, words):
    import shutil

    package = Path(shutil.copytree(rich.voice.package.source, tmp_path / "copy"))
    manifest = json.loads((package / "voice.json").read_text())
    (package / "voice.json").write_text(json.dumps(manifest | keys))
    with pytest.raises(VoiceError, match=words):
        Voice.open(package)


def test_the_seed_moves_the_stochastic_durations(rich):
    assert spoken(rich, seed=1).shape != spoken(rich, seed=2).shape
