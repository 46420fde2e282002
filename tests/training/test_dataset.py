"""Clips and their speakers, languages and styles; what cannot be trained on is left out with a reason and a count."""

import numpy as np
import pytest
import soundfile
import torch

from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training.batches import collate
from swaram.training.dataset import DataError, load_dataset
from tests.training.conftest import voiced
from tests.training.runs import rewrite, styled

SYMBOLS = SymbolTable.for_languages("ml")


def add(corpus, name, audio, text, rate=16000):
    if audio is not None:
        soundfile.write(corpus / "audio_files" / name, audio, rate, subtype="PCM_16")
    with (corpus / "train_metadata.csv").open("a", encoding="utf-8") as file:
        file.write(f"audio_files/{name}|{text}\n")


@pytest.mark.parametrize(
    ("audio", "rate", "text", "reason"),
    [
        (None, 16000, "അമ്മ വന്നു.", "missing file"),
        (voiced("അമ്മ വന്നു.", 150, 8000), 8000, "അമ്മ വന്നു.", "sample rate 8000 Hz, not data.sample_rate 16000 Hz"),
        (voiced("അമ്മ വന്നു.", 150)[:3000], 16000, "അ", "shorter than data.min_frames 16"),
        (np.tile(voiced("അമ്മ", 150), 16), 16000, "അമ്മ വന്നു.", "longer than data.max_frames 1000"),
        (voiced("അമ്മ വന്നു.", 150), 16000, "hello", "symbols outside the table"),
        (voiced("അമ്മ വന്നു.", 150), 16000, " ", "empty transcript"),
        (voiced("അ", 150), 16000, "അമ്മ വന്നു. " * 8, "fewer frames than symbols"),
        (np.stack([voiced("അമ്മ", 150)] * 2, 1), 16000, "അമ്മ", "not mono"),
    ],
)
def test_each_unusable_clip_has_its_reason(corpus, config, audio, rate, text, reason):
    add(corpus, "odd.flac", audio, text, rate)
    dataset = load_dataset(config.data.training_files, config, SYMBOLS)
    assert dict(dataset.dropped) == {reason: 1}
    assert len(dataset.clips) == 12
    assert reason in dataset.summary()


def test_damaged_audio_has_its_reason(corpus, config):
    (corpus / "audio_files" / "low-0.flac").write_bytes(b"not a sound file")
    dataset = load_dataset(config.data.training_files, config, SYMBOLS)
    assert dict(dataset.dropped) == {"unreadable audio": 1}


def test_a_missing_metadata_file_is_one_sentence(config, corpus):
    with pytest.raises(DataError, match="does not exist; make it with"):
        load_dataset(corpus / "none.csv", config, SYMBOLS)


def test_a_row_of_three_columns_is_named(config, corpus):
    path = corpus / "train_metadata.csv"
    path.write_text("a.flac|അമ്മ\nb.flac|അമ്മ|speaker\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 2: expected path_to_audio_file\|transcript, found 3 columns"):
        load_dataset(path, config, SYMBOLS)


def test_a_file_with_nothing_usable_says_why(config, corpus):
    path = corpus / "train_metadata.csv"
    path.write_text("a.flac|അമ്മ\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no clip to train on \(missing file: 1"):
        load_dataset(path, config, SYMBOLS)


def test_without_a_manifest_there_is_one_speaker(config, corpus):
    (corpus / "manifest.parquet").unlink()
    assert load_dataset(config.data.training_files, config, SYMBOLS).speakers == ["speaker"]


def test_audio_that_vanishes_during_training_is_one_sentence(config, corpus):
    dataset = load_dataset(config.data.training_files, config, SYMBOLS)
    (corpus / "audio_files" / "low-0.flac").unlink()
    with pytest.raises(DataError, match="was readable when the training began"):
        dataset.audio(0)


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
