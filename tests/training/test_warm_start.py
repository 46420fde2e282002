"""A warm start takes generator and discriminators, matches rows by meaning, and refuses what cannot fit."""

from pathlib import Path

import pytest
import torch

from swaram.config.config import load_config, parse_config
from swaram.model.discriminators import Discriminators
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints
from swaram.training.checkpoints import CheckpointError, read_info, read_tensors
from swaram.training.loop import Limits, train
from swaram.training.trainer import Trainer
from swaram.training.warm_start import warm_start

ROOT = Path(__file__).parents[2]


def trainer_for(raw: dict, speakers: list[str], **data: object) -> Trainer:
    config = parse_config({**raw, "data": {**raw["data"], **data}})
    symbols = SymbolTable.for_languages(*config.data.languages)
    return Trainer(config, symbols, speakers, torch.device("cpu"), torch.float32)


def stirred(trainer: Trainer) -> Trainer:
    for module in (trainer.generator, trainer.discriminators, trainer.average.module):
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter)
    return trainer


def start(trainer: Trainer, source: Path):
    return warm_start(
        source, trainer.generator, trainer.discriminators, trainer.config, trainer.symbols, trainer.speakers
    )


def test_rows_of_symbols_speakers_languages_and_styles_are_matched_by_name(raw_config, tmp_path):
    old = stirred(trainer_for(raw_config, ["anu", "biju"], languages=["ml", "ta"], styles=["happy", "sad"]))
    source = old.save(tmp_path / "old")
    new = trainer_for(raw_config, ["biju", "celin"], languages=["kn", "ta"], styles=["angry", "sad"])
    fresh = {name: value.clone() for name, value in new.generator.state_dict().items()}
    report = start(new, source)
    assert report.left == []
    theirs, ours = old.average.module.state_dict(), new.generator.state_dict()
    pairs = [("emb_g.weight", 0, 1), ("enc_p.emb_l.weight", 1, 1), ("emb_s.weight", 2, 2), ("emb_s.weight", 0, 0)]
    pairs += [("enc_p.emb.weight", new.symbols.symbols.index("க"), old.symbols.symbols.index("க"))]
    for name, row, before in pairs:
        assert torch.equal(ours[name][row], theirs[name][before]), name
    for name, row in [("emb_g.weight", 1), ("enc_p.emb_l.weight", 0), ("emb_s.weight", 1)]:
        assert torch.equal(ours[name][row], fresh[name][row]), name
    assert torch.equal(ours["enc_p.emb.weight"][new.symbols.symbols.index("ಕ")], fresh["enc_p.emb.weight"][
        new.symbols.symbols.index("ಕ")
    ])  # fmt: skip
    for name, value in old.discriminators.state_dict().items():
        assert torch.equal(new.discriminators.state_dict()[name], value), name


def test_a_voice_of_one_language_and_speaker_speaks_as_before_when_it_begins_to_learn_more(raw_config, tmp_path):
    old = trainer_for(raw_config, ["anu", "biju"])
    source = old.save(tmp_path / "old")
    new = trainer_for(raw_config, ["anu", "biju"], languages=["ml", "ta"], styles=["happy"])
    assert set(start(new, source).left) == {"enc_p.emb_l.weight", "emb_s.weight"}
    text = "അമ്മ വന്നു."
    spoken = []
    for trainer in (old, new):
        ids = torch.tensor([trainer.symbols.encode(text)])
        own = {} if trainer is old else {"language": torch.tensor([1]), "style": torch.tensor([1])}
        arguments = torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(1, 2, ids.shape[1]), torch.zeros(1, 8, 1)
        prior, *_ = trainer.generator.eval().front_end(
            ids, torch.tensor([ids.shape[1]]), *arguments, speaker=torch.tensor([1]), **own
        )
        spoken.append(prior)
    assert torch.allclose(*spoken, atol=1e-6)


def test_another_decoder_leaves_only_the_decoder(raw_config, tmp_path):
    source = trainer_for(raw_config, ["anu"]).save(tmp_path / "old")
    other = {**raw_config, "model": {**raw_config["model"], "decoder": "hifigan-medium"}}
    left = start(trainer_for(other, ["anu"]), source).left
    assert left and all(name.startswith("dec.") for name in left)


@pytest.mark.parametrize(("key", "value"), [("sample_rate", 22050), ("hop_length", 128)])
def test_another_sample_rate_or_hop_is_refused_with_the_reason(raw_config, tmp_path, key, value):
    source = trainer_for(raw_config, ["anu"]).save(tmp_path / "old")
    new = trainer_for(raw_config, ["anu"], **{key: value})
    with pytest.raises(CheckpointError, match=rf"data\.{key}.*decoder has no meaning; prepare the data anew"):
        start(new, source)


def test_a_posterior_of_fewer_layers_takes_the_first_ones_and_says_what_it_left_out(raw_config, tmp_path):
    raw = {**raw_config, "model": {**raw_config["model"], "posterior_layers": 4}}
    source = stirred(trainer_for(raw, ["anu", "biju"])).save(tmp_path / "old")
    new = trainer_for(raw_config, ["anu", "biju"])  # two layers, the last one without a residual path
    report = start(new, source)
    assert report.left == [] and all(name.startswith("enc_q.enc.") for name in report.unused)
    theirs, ours = read_tensors(source, "ema"), new.generator.state_dict()
    for name, value in ours.items():
        part = theirs[name]
        if name.startswith("enc_q.enc.outputs.1."):
            part = part[part.shape[0] // 2 :]
        elif name.startswith("enc_q.enc.condition."):
            part = part[: part.shape[0] // 2]
        assert torch.equal(value, part), name
    taken = len(ours) + len(new.discriminators.state_dict())
    # Of each layer left out 6 tensors, and parts of 3 of the last layer and of 3 of the conditioning.
    assert str(report) == f"{taken} tensors taken; 18 of the source have no place here (posterior_encoder 18)"


def test_the_shipped_weights_fit_the_default_configuration_whole():
    config = load_config(ROOT / "config.json")
    info = read_info(ROOT / "weights" / "malayalam")
    generator = Vits(config.model, config.data, len(info.symbols.symbols), len(info.speakers))
    discriminators = Discriminators(config.model.discriminator)
    report = warm_start(ROOT / "weights" / "malayalam", generator, discriminators, config, info.symbols, info.speakers)
    assert report.left == [] and report.taken == len(generator.state_dict()) + len(discriminators.state_dict())
    assert report.unused == []


def test_a_warm_start_takes_what_fits_by_symbol_and_speaker(raw_config, tmp_path):
    source = train(parse_config(raw_config), limits=Limits(max_steps=3))
    taken = checkpoints.read_tensors(source, "ema")
    raw_config["train"] |= {"output_directory": str(tmp_path / "second")}
    raw_config["data"]["languages"] = ["ml", "ta"]
    config = parse_config(raw_config)
    symbols = SymbolTable.for_languages("ml", "ta")
    trainer = Trainer(config, symbols, ["new", "high"], torch.device("cpu"), torch.float32)
    from swaram.training.warm_start import warm_start

    report = warm_start(source, trainer.generator, trainer.discriminators, config, symbols, ["new", "high"])
    assert report.left == ["enc_p.emb_l.weight"]  # the source had one language and needed no table of them
    old = SymbolTable.for_languages("ml")
    row, before = symbols.symbols.index("മ"), old.symbols.index("മ")
    assert torch.equal(trainer.generator.enc_p.emb.weight[row], taken["enc_p.emb.weight"][before])
    assert torch.equal(trainer.generator.emb_g.weight[1], taken["emb_g.weight"][0])
    raw_config["data"]["sample_rate"] = 22050
    with pytest.raises(CheckpointError, match=r"data\.sample_rate 16000"):
        warm_start(
            source, trainer.generator, trainer.discriminators, parse_config(raw_config), symbols, ["new", "high"]
        )


def test_a_harmonic_decoder_begins_from_one_with_other_transforms(raw_config, tmp_path):
    def decoder(**settings: int) -> dict:
        described = {"type": "harmonic", "channels": 16, "blocks": 2, **settings}
        return {**raw_config, "model": {**raw_config["model"], "decoder": described}}

    old = stirred(trainer_for(decoder(), ["anu", "biju"]))
    new = trainer_for(decoder(frames=4, n_fft=256), ["anu", "biju"])
    report = start(new, old.save(tmp_path / "old"))
    assert not report.left and not report.unused
    theirs, ours = (trainer.generator.dec.gains.weight for trainer in (old, new))
    lowest, highest = ours[::129][:8:2], ours[128::129][:8:2]  # of the harmonics, in each of the four frames
    average = old.average.module.dec.gains.weight
    assert torch.allclose(lowest, average[:1].expand(4, -1)) and torch.allclose(highest, average[512:513].expand(4, -1))
    assert theirs.shape[0] == 1026 and ours.shape[0] == 4 * 258
