"""A pitch that moves further from its speaker's mean, built into a voice; refused where it cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from swaram.config.config import parse_config
from swaram.export.facts import OfferedSpeaker, VoiceFacts
from swaram.export.voice import ExportError, build_in, write_voice
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.model.tiny import DECODERS, TINY, stir

TEXT = "അമ്മ വീട്ടിൽ വന്നു, പുഴ ശാന്തമായി ഒഴുകുന്നു."
OFFERED = [OfferedSpeaker("b", "biju", pitch=110.0), OfferedSpeaker("a", "anu", pitch=210.0)]


def model(
    decoder: str = "harmonic", styles: tuple[str, ...] = ("HAPPY",), speakers: int = 3
) -> tuple[Vits, CheckpointInfo]:
    torch.manual_seed(4)
    parts = {**TINY["model"], "decoder": DECODERS[decoder], "duration_predictor": "plain"}
    config = parse_config({**TINY, "data": {**TINY["data"], "styles": list(styles)}, "model": parts})
    symbols = SymbolTable.for_languages("ml")
    vits = Vits(config.model, config.data, len(symbols.symbols), speakers).eval()
    stir(vits, 0.15)
    torch.nn.init.constant_(vits.dp.proj.bias, 1.5)
    return vits, CheckpointInfo(config, symbols, ["a", "b", "c"][:speakers], step=7, seconds_trained=60.0)


def octaves(vits: Vits, info: CheckpointInfo, folder, factor: float, speaker: str, style: str | None) -> np.ndarray:
    """Logarithms of the pitch that the exported voice makes of a text, in Hz, base 2."""
    write_voice(vits, info, folder, VoiceFacts("x", OFFERED, half=False, pitch_range=factor))
    engine = Engine(Voice.open(folder))
    asked = SpeechRequest(TEXT, speaker=speaker, style=style)
    latent = engine.encode(engine.reader(asked).read(TEXT).passages[0], asked, 0)
    list(map(lambda window: engine.models.decode(latent, window), engine.models.windows(latent.length)))
    return np.log2(latent.pitch)


@pytest.mark.parametrize(("speaker", "centre", "style"), [("biju", 110.0, None), ("anu", 210.0, "HAPPY")])
def test_the_pitch_moves_so_many_times_as_far_from_the_speakers_own_mean(tmp_path, speaker, centre, style):
    usual, wide = (octaves(*model(), tmp_path / str(factor), factor, speaker, style) for factor in (1.0, 1.5))
    expected = np.log2(centre) + 1.5 * (usual - np.log2(centre))
    inside = (expected > np.log2(55)) & (expected < np.log2(650))
    assert inside.mean() > 0.5
    assert np.abs(wide - expected)[inside].max() < 0.01
    assert np.std(usual) > 0


@pytest.mark.parametrize(
    ("decoder", "factor", "offered", "words"),
    [
        ("vocos", 1.5, OFFERED, "driven by a pitch"),
        ("harmonic", 4.0, OFFERED, "between 0 and 3"),
        ("harmonic", 1.5, [OfferedSpeaker("a", "anu")], "mean pitch in Hz of anu"),
        ("harmonic", 1.5, [], "mean pitch in Hz of each speaker"),
    ],
)
def test_what_cannot_be_built_in_is_one_sentence(tmp_path, decoder, factor, offered, words):
    with pytest.raises(ExportError, match=words):
        write_voice(*model(decoder), tmp_path / "out", VoiceFacts("x", offered, half=False, pitch_range=factor))
    assert not (tmp_path / "out").exists()


def test_each_speaker_may_have_a_range_and_a_pace_of_its_own(tmp_path):
    offered = [
        OfferedSpeaker("b", "biju", pitch=110.0, pitch_range=1.5, pace=1.25),
        OfferedSpeaker("a", "anu", pitch=210.0, pace=0.8),
    ]
    for name, speakers in (("usual", OFFERED), ("own", offered)):
        write_voice(*model(), tmp_path / name, VoiceFacts("x", speakers, half=False))
    usual, own = (Engine(Voice.open(tmp_path / name)) for name in ("usual", "own"))
    for speaker, pace in (("biju", 1.25), ("anu", 0.8)):
        asked = SpeechRequest(TEXT, speaker=speaker, seed=3)
        passages = [engine.reader(asked).read(TEXT).passages[0] for engine in (usual, own)]
        frames = [e.encode(one, asked, 0).length for e, one in zip((usual, own), passages, strict=True)]
        assert frames[0] / frames[1] == pytest.approx(pace, abs=0.15)  # durations are rounded up


def test_a_range_of_one_speaker_leaves_the_others_as_they_are():
    latent, spreads = torch.randn(1, 8, 20, generator=torch.Generator().manual_seed(1)), []
    for ranges in ((None, None), (1.5, None)):
        vits, _ = model(speakers=2)
        offered = [replace(one, pitch_range=own) for one, own in zip(OFFERED, ranges, strict=True)]
        build_in(vits, VoiceFacts("x", offered))
        voices = [vits.condition_on(torch.tensor([number]), torch.tensor([0])) for number in (0, 1)]
        spreads.append([float(torch.log2(vits.pitch(latent, voice)).std()) for voice in voices])
    assert spreads[1][0] / spreads[0][0] == pytest.approx(1.5, rel=0.01)
    assert spreads[1][1] == pytest.approx(spreads[0][1], rel=1e-4)


def test_one_speaker_of_several_can_be_offered_alone(tmp_path):
    write_voice(*model(), tmp_path / "out", VoiceFacts("x", OFFERED[:1], half=False, pitch_range=1.5))
    engine = Engine(Voice.open(tmp_path / "out"))
    assert [speaker.name for speaker in engine.voice.manifest.speakers] == ["biju"]
    assert len(engine.synthesise(SpeechRequest(TEXT, speaker="biju")).audio)


def test_a_voice_of_one_speaker_has_one_centre(tmp_path):
    vits, info = model(styles=(), speakers=1)
    latent = torch.randn(1, vits.latent_channels, 20)
    usual = torch.log2(vits.pitch(latent))
    write_voice(
        vits,
        info,
        tmp_path / "out",
        VoiceFacts("x", [OfferedSpeaker("", "", pitch=150.0)], half=False, pitch_range=2.0),
    )
    expected = np.log2(150) + 2 * (usual - np.log2(150))
    assert torch.allclose(torch.log2(vits.pitch(latent)), expected.clamp(np.log2(50), np.log2(700)), atol=1e-3)
