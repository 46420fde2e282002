"""Voices of untrained models, exported."""

from pathlib import Path

import torch

from swaram.config.config import parse_config
from swaram.export.facts import VoiceFacts
from swaram.export.voice import write_voice
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo
from swaram.voice.engine import Engine
from swaram.voice.voice import Voice
from tests.model.tiny import TINY, stir

TEXT = "അമ്മ വീട്ടിൽ വന്നു, പുഴ ശാന്തമായി ഒഴുകുന്നു."


def exported(folder: Path, speakers: int = 1, half: bool = True, data: dict | None = None, **model: object) -> Engine:
    """An untrained voice of these parts, its layers stirred so that every one of them is heard."""
    torch.manual_seed(3)
    config = parse_config({**TINY, "data": {**TINY["data"], **(data or {})}, "model": {**TINY["model"], **model}})
    symbols = SymbolTable.for_languages(*config.data.languages)
    names = [f"speaker-{number}" for number in range(speakers)]
    vits = Vits(config.model, config.data, len(symbols.symbols), speakers).eval()
    stir(vits, 0.15)
    if config.model.duration_predictor == "plain":
        torch.nn.init.constant_(vits.dp.proj.bias, 1.5)  # some frames for each symbol
    info = CheckpointInfo(config, symbols, names, step=7, seconds_trained=60.0)
    report = write_voice(vits, info, folder / "voice", VoiceFacts("made by a test", licence="CC0-1.0", half=half))
    assert max(report.latent_difference, report.audio_difference) < 1e-4
    return Engine(Voice.open(folder / "voice"))
