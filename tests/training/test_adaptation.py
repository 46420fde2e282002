"""A voice of one language as the beginning of another."""

from pathlib import Path

import pytest
import torch

from swaram.config.config import Config
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.adaptation import EMBEDDING, SPEAKERS, adapted_config, by_sound, plan_for
from swaram.training.checkpoints import CheckpointInfo, read_info, read_tensors, write_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "latent_channels": 8, "hidden_channels": 8, "filter_channels": 16, "text_layers": 1, "posterior_layers": 1,
    "flow_couplings": 2, "flow_layers": 1, "duration_channels": 8, "speaker_channels": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def malayalam(tmp_path_factory):
    """A checkpoint of a small Malayalam voice of two speakers, untrained."""
    config = Config.model_validate({"model": SMALL, "data": {"sample_rate": 16_000}})
    symbols = SymbolTable.for_languages("ml")
    torch.manual_seed(0)
    model = Vits(config.model, config.data, len(symbols.symbols), 2)
    folder = tmp_path_factory.mktemp("weights") / "ml"
    info = CheckpointInfo(config=config, symbols=symbols, speakers=["a", "b"], discriminators=False)
    write_checkpoint(folder, info, {"generator": dict(model.state_dict())})
    return folder


def test_letters_begin_as_those_of_the_same_sound(malayalam, tmp_path):
    origin = by_sound(malayalam, ["kn"], ["reader", "a"], tmp_path / "start")
    assert (origin["ಕ"], origin["ೀ"], origin["್"], origin["."], origin["ಂ"]) == ("ക", "ീ", "്", ".", "ം")
    assert all(origin[letter] for letter in "ಅಆಇಈಉಊಎಏಒಓಗಚಜಟಡಣತದನಪಬಮಯರಲವಶಷಸಹಳ")
    info, before = read_info(tmp_path / "start"), read_tensors(malayalam, "generator")
    after = read_tensors(tmp_path / "start", "generator")
    assert info.symbols == SymbolTable.for_languages("kn") and info.config.data.languages == ["kn"]
    old = SymbolTable.for_languages("ml").symbols
    for letter in "ಕೀ್.":
        row = after[EMBEDDING][info.symbols.symbols.index(letter)]
        assert torch.equal(row, before[EMBEDDING][old.index(origin[letter])])
    assert torch.allclose(after[SPEAKERS][0], before[SPEAKERS].mean(0))
    assert torch.equal(after[SPEAKERS][1], before[SPEAKERS][0])
    kept = [name for name in before if name not in (EMBEDDING, SPEAKERS)]
    assert all(torch.equal(after[name], before[name]) for name in kept)


def test_a_script_of_another_layout_begins_as_the_mean_where_no_letter_sounds_alike(malayalam, tmp_path):
    origin = by_sound(malayalam, ["sat"], ["a", "b"], tmp_path / "start")
    fresh = [symbol for symbol in origin if not origin[symbol]]
    assert fresh
    table = read_tensors(tmp_path / "start", "generator")[EMBEDDING]
    symbols = read_info(tmp_path / "start").symbols.symbols
    assert torch.equal(table[symbols.index(fresh[0])], table[symbols.index(fresh[-1])])


@pytest.mark.parametrize("minutes", [5, 25, 120])
def test_each_amount_of_speech_has_its_settings(malayalam, tmp_path, minutes):
    plan = plan_for(minutes)
    config = adapted_config(malayalam, plan, ["kn"], tmp_path, tmp_path / "training")
    assert config.train.learning_rate == plan.learning_rate and config.train.freeze == list(plan.freeze)
    assert config.train.max_steps == plan.steps and config.data.languages == ["kn"]
    assert config.model == read_info(malayalam).config.model


def test_less_speech_learns_more_slowly_frees_less_and_mixes_more():
    little, some, much = plan_for(5), plan_for(25), plan_for(120)
    assert little.learning_rate < some.learning_rate < much.learning_rate
    assert little.steps < some.steps < much.steps
    assert little.mix > some.mix > much.mix
    assert little.freeze and not much.freeze


def test_the_shipped_weights_that_lie_beside_their_voice_begin_another_language(tmp_path):
    """What is written holds every tensor itself, wherever it lies."""
    by_sound(ROOT / "weights" / "malayalam", ["ml", "kn"], ["new"], tmp_path / "deep" / "start")
    tensors = read_tensors(tmp_path / "deep" / "start", "generator")
    assert tensors.keys() == read_tensors(ROOT / "weights" / "malayalam", "generator").keys()
