"""The configuration refuses what it does not know, by name, and says what would be right."""

import json
from pathlib import Path

import pytest

from swaram.config import Config, ConfigError, load_config, parse_config

ROOT = Path(__file__).parent.parent


def test_every_configuration_that_ships_loads():
    files = [ROOT / "config.json", *sorted((ROOT / "configs").glob("*.json"))]
    assert len(files) >= 2
    for path in files:
        assert load_config(path).data.languages == ["ml"]


def test_the_paper_preset_is_the_published_configuration():
    config = load_config(ROOT / "configs" / "paper.json")
    assert config.model == Config().model
    assert config.train.weights == Config().train.weights
    assert (config.data.sample_rate, config.data.hop_length, config.data.n_mel_channels) == (22050, 256, 80)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"train": {"learning_rat": 1e-4}}, ["train.learning_rat", "train.learning_rate"]),
        ({"data": {"n_mel": 80}}, ["data.n_mel", "data.n_mel_channels"]),
        ({"model": {"decoder": {"type": "vocos", "chanels": 3}}}, ["model.decoder.chanels", "model.decoder.channels"]),
        ({"trian": {}}, ["trian", "train"]),
        ({"prepare": {"sound": {"snrr": 3}}}, ["prepare.sound.snrr"]),
        ({"data": {"sample_rate": "16000"}}, ["data.sample_rate", "integer"]),
        ({"train": {"learning_rate": -1}}, ["train.learning_rate", "greater than 0"]),
        ({"model": {"decoder": {"type": "wavenet"}}}, ["model.decoder", "hifigan"]),
        ({"data": {"hop_length": 200}}, ["hop_length", "upsample_rates"]),
        ({"train": {"segment_frames": 64}}, ["segment_frames", "min_frames"]),
        ({"model": {"hidden_channels": 191}}, ["hidden_channels", "text_heads"]),
    ],
)
def test_a_wrong_key_or_value_is_named_in_one_sentence(raw, words):
    with pytest.raises(ConfigError) as caught:
        parse_config(raw, "config.json")
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_every_key_misspelt_in_turn_is_refused_with_the_right_one():
    tree = Config().model_dump(mode="json")
    for section, values in tree.items():
        for key in values:
            with pytest.raises(ConfigError, match=f"{section}.{key}x is not a key; did you mean {section}.{key}"):
                parse_config({section: {f"{key}x": values[key]}})


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\xff"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "config.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "none.json")


def test_a_configuration_survives_json():
    config = load_config(ROOT / "config.json")
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_preparation_reads_its_section_of_the_same_file(tmp_path):
    from swaram.prepare.settings import load_settings

    path = tmp_path / "config.json"
    path.write_text('{"train": {"seed": 1}, "prepare": {"split": {"test": 0.1}}}', encoding="utf-8")
    assert load_settings(path).split.test == load_config(path).prepare.split.test == 0.1
    assert load_settings(ROOT / "config.json") == load_config(ROOT / "config.json").prepare
