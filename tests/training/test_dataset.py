"""A clip that cannot be trained on is left out with a reason and a count, never in silence, never with a traceback."""

import numpy as np
import pytest
import soundfile

from swaram.text.symbols import SymbolTable
from swaram.training.dataset import DataError, load_dataset
from tests.training.conftest import voiced

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
