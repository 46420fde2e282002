"""Language and style go from the manifest through batches into the model; what is not listed is counted."""

import pyarrow
import pyarrow.parquet
import pytest
import torch

from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training.batches import collate
from swaram.training.checkpoints import CheckpointError, read_info
from swaram.training.dataset import load_dataset
from swaram.training.trainer import Trainer
from tests.training.runs import trainer_of


def rewrite(corpus, **columns) -> None:
    """Add columns to the manifest; each is a function of a row's number."""
    path = corpus / "manifest.parquet"
    rows = pyarrow.parquet.read_table(path).to_pylist()
    for number, row in enumerate(rows):
        row |= {name: value(number) for name, value in columns.items()}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def styled(raw_config, corpus):
    rewrite(
        corpus,
        language=lambda n: "ta" if n % 3 == 1 else "ml",
        style=lambda n: [None, "SAD", "HAPPY", "WIKI"][n % 4],
    )
    raw_config["data"] |= {"languages": ["ml", "ta"], "styles": ["HAPPY", "SAD"]}
    return parse_config(raw_config)


def test_the_manifests_languages_and_styles_become_numbers(raw_config, corpus):
    config = styled(raw_config, corpus)
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml", "ta"))
    assert [clip.language for clip in dataset.clips] == [int(n % 3 == 1) for n in range(12)]
    assert [clip.style for clip in dataset.clips] == [[0, 2, 1, 0][n % 4] for n in range(12)]
    batch = collate(dataset, [1, 2, 7], {"high": 0, "low": 1}, 256).to(torch.device("cpu"))
    assert batch.language.tolist() == [1, 0, 1] and batch.style.tolist() == [2, 1, 0]


def test_a_style_that_is_not_listed_counts_as_none_and_is_told(raw_config, corpus):
    config = styled(raw_config, corpus)
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml", "ta"))
    assert dict(dataset.unlisted_styles) == {"WIKI": 3}
    assert "3 of style WIKI, not in data.styles: they count as no style" in dataset.summary()


def test_a_clip_in_another_language_is_left_out_with_its_reason(raw_config, corpus):
    rewrite(corpus, language=lambda n: "kn" if n < 2 else "ml")
    config = parse_config(raw_config)
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml"))
    assert dict(dataset.dropped) == {"language kn, not in data.languages": 2} and len(dataset.clips) == 10


def test_training_moves_every_language_and_style_of_a_batch_and_no_others(raw_config, corpus):
    config = styled(raw_config, corpus)
    trainer, _ = trainer_of(config)
    dataset = load_dataset(config.data.training_files, config, trainer.symbols)
    batch = collate(dataset, [0, 1, 4], {"high": 0, "low": 1}, 256)  # styles none and SAD, both languages
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    trainer.step(batch)
    grad = trainer.generator.emb_s.weight.grad.abs().sum(1)
    assert (grad > 0).tolist() == [False, False, True]
    moved = (trainer.generator.enc_p.emb_l.weight - before["enc_p.emb_l.weight"]).abs().sum(1)
    assert (moved > 0).all()
    assert trainer.generator.emb_s.weight[0].abs().max() == 0


@pytest.mark.parametrize(("key", "value"), [("styles", ["SAD", "HAPPY"]), ("languages", ["ta", "ml"])])
def test_a_resume_with_other_languages_or_styles_is_refused_by_name(raw_config, corpus, tmp_path, key, value):
    config = styled(raw_config, corpus)
    folder = trainer_of(config)[0].save(tmp_path / "saved")
    raw_config["data"][key] = value
    trainer = Trainer(
        parse_config(raw_config), read_info(folder).symbols, ["high", "low"], torch.device("cpu"), torch.float32
    )
    with pytest.raises(CheckpointError, match=rf"data\.{key}.*put it back"):
        trainer.load(folder)


@pytest.mark.parametrize("forgotten", ["language", "style"])
def test_a_batch_without_ids_is_refused_by_a_model_that_needs_them(raw_config, corpus, forgotten):
    config = styled(raw_config, corpus)
    trainer, batch = trainer_of(config)
    setattr(batch, forgotten, None)
    with pytest.raises(ValueError, match=forgotten):
        trainer.step(batch)
