"""The configuration refuses what it does not know, by name, and says what would be right."""

import json
from pathlib import Path

import pytest

from swaram.config.config import Config, ConfigError, MultibandConfig, load_config, parse_config
from swaram.config.model import DECODERS, DISCRIMINATORS

ROOT = Path(__file__).parents[2]


def test_every_configuration_that_ships_loads():
    files = [ROOT / "config.json", *sorted((ROOT / "configs").glob("*.json"))]
    assert {path.stem for path in files} >= {"config", "paper", "hifigan-medium", "multiband", "vocos-causal", "rasa"}
    for path in files:
        assert load_config(path).data.languages[0] == "ml"


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
        ({"model": {"decoder": {"type": "multiband", "bandz": 4}}}, ["model.decoder.bandz", "model.decoder.bands"]),
        ({"model": {"decoder": {"type": "multiband", "bands": 3}}}, ["model.decoder.bands", "2, 4 or 8"]),
        ({"model": {"decoder": {"type": "multiband", "bands": 2}}}, ["data.hop_length", "bands"]),
        ({"model": {"decoder": {"type": "multiband", "n_fft": 8}}}, ["n_fft", "band_hop"]),
        ({"model": {"decoder": {"type": "vocos", "kernel": 6}}}, ["model.decoder", "kernel must be odd"]),
        ({"model": {"decoder": {"type": "vocos", "lookahead": 55}}}, ["model.decoder", "lookahead"]),
        ({"model": {"decoder": {"type": "vocos", "n_fft": 512}}}, ["n_fft", "data.hop_length"]),
        ({"model": {"decoder": {"type": "hifigan", "upsample_kernels": [16]}}}, ["upsample_kernels"]),
        ({"model": {"decoder": {"type": "hifigan", "upsample_kernels": [15, 16, 4, 4]}}}, ["even number"]),
        ({"model": {"decoder": {"type": "hifigan", "residual_kernels": [3]}}}, ["residual_dilations"]),
        ({"model": {"decoder": {"type": "hifigan", "initial_channels": 8}}}, ["initial_channels"]),
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


def test_a_preset_says_only_what_differs_from_the_one_it_extends():
    below, above = load_config(ROOT / "config.json"), load_config(ROOT / "configs" / "vocos-causal.json")
    assert (above.model.decoder.lookahead, below.model.decoder.lookahead) == (2, None)
    assert (above.model.decoder.type, below.model.decoder.type) == ("vocos", "harmonic")
    assert above.model.model_copy(update={"decoder": below.model.decoder}) == below.model
    assert above.train.output_directory != below.train.output_directory
    changed = {"output_directory": below.train.output_directory}
    assert above.train.model_copy(update=changed) == below.train and above.data == below.data


def test_a_decoder_of_another_type_takes_the_place_of_the_one_below(tmp_path):
    (tmp_path / "below.json").write_text('{"model": {"decoder": {"type": "vocos", "channels": 64}, "text_layers": 2}}')
    (tmp_path / "above.json").write_text('{"extends": "below.json", "model": {"decoder": {"type": "multiband"}}}')
    config = load_config(tmp_path / "above.json")
    assert config.model.decoder == MultibandConfig(type="multiband") and config.model.text_layers == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"extends": "preset.json"}', "extends itself"),
        ('{"extends": "none.json"}', r"none\.json, which .*preset\.json extends, does not exist"),
        ('{"extends": ["config.json"]}', "must be the name of another file"),
        ('{"extends": "broken.json"}', r"broken\.json is not readable JSON"),
    ],
)
def test_a_preset_of_nothing_is_one_sentence_for_training_and_for_preparation(tmp_path, content, words):
    from swaram.config.prepare import SettingsError, load_settings

    (tmp_path / "broken.json").write_text("{")
    path = tmp_path / "preset.json"
    path.write_text(content)
    for read, error in ((load_config, ConfigError), (load_settings, SettingsError)):
        with pytest.raises(error, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_preparation_follows_what_a_preset_extends(tmp_path):
    from swaram.config.prepare import load_settings

    (tmp_path / "below.json").write_text('{"prepare": {"split": {"test": 0.1}}}')
    (tmp_path / "above.json").write_text('{"extends": "below.json", "train": {"seed": 1}}')
    assert load_settings(tmp_path / "above.json").split.test == 0.1


@pytest.mark.parametrize(("key", "names"), [("decoder", DECODERS), ("discriminator", DISCRIMINATORS)])
def test_a_named_part_is_the_part_described(key, names):
    for name, described in names.items():
        named = parse_config({"model": {key: name}}).model
        assert named == parse_config({"model": {key: described}}).model
        assert parse_config({"model": named.model_dump(mode="json")}).model == named  # as checkpoints keep it
    with pytest.raises(ConfigError, match=rf"model\.{key}.*choose one of {next(iter(names))}"):
        parse_config({"model": {key: "wavenet"}})


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "none.json")


def test_a_configuration_survives_json():
    config = load_config(ROOT / "config.json")
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_preparation_reads_its_section_of_the_same_file(tmp_path):
    from swaram.config.prepare import load_settings

    path = tmp_path / "config.json"
    path.write_text('{"train": {"seed": 1}, "prepare": {"split": {"test": 0.1}}}', encoding="utf-8")
    assert load_settings(path).split.test == load_config(path).prepare.split.test == 0.1
    assert load_settings(ROOT / "config.json") == load_config(ROOT / "config.json").prepare
