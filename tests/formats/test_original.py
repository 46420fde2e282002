"""Original VITS checkpoints become our voices, and ours become original checkpoints, with the same sound."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch

from swaram.config.config import parse_config
from swaram.errors import SwaramError
from swaram.export.facts import OfferedSpeaker, VoiceFacts
from swaram.export.voice import write_voice
from swaram.formats import find_format, recognise
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.layouts import discriminator_name, original_name
from swaram.model.discriminators import Discriminators
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo, read_info, read_tensors, write_checkpoint
from tests.formats.foreign_voices import difference, model_audio, package_audio
from tests.formats.original_voices import SPOKEN, noises, published_layout, weights_by_name

LANGUAGE = ImportOptions("mine", languages=("ml",))
RECORDS = pytest.mark.parametrize("record", SPOKEN, ids=[record["name"] for record in SPOKEN])


def write_original(folder, record, **extra):
    """A checkpoint as the original code saves it, of a record of what that code said."""
    folder.mkdir()
    weights = weights_by_name({name: tuple(shape) for name, shape in record["shapes"].items()})
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))], 2e-4).state_dict()
    content = {"model": OrderedDict(weights), "iteration": 7, "optimizer": optimizer, "learning_rate": 2e-4}
    torch.save(content, folder / "G_3000.pth")
    symbols = SymbolTable.for_languages("ml").symbols
    listed = [symbols[place] if place < len(symbols) else "" for place in range(record["symbols"])]
    config = json.loads(json.dumps(record["config"])) | {"symbols": listed, **extra}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@RECORDS
def test_an_imported_checkpoint_says_what_the_original_code_says(record, tmp_path):
    folder = write_original(tmp_path / "theirs", record)
    read = recognise(folder).read(folder, LANGUAGE)
    packed = record["config"]["data"]["n_speakers"] == 0  # tracing costs seconds; the export compares by itself
    if packed:
        write_voice(read.model, read.info, tmp_path / "ours", read.facts)
    assert read.info.step == 3000
    for speech in record["speech"]:
        ids = np.array(record["ids"])
        given = (ids, noises(len(ids), 8), speech["scales"])
        said = (
            package_audio(tmp_path / "ours", *given) if packed else model_audio(read.model, *given, speech["speaker"])
        )
        assert len(said) == speech["length"] and said.std() > 0.1
        assert difference(said[:: speech["step"]], np.array(speech["samples"])) < 1e-4


def test_the_published_sizes_map_one_to_one():
    generator, discriminators = published_layout()
    assert (len(generator), len(discriminators)) == (858, 111)
    config = parse_config({})
    with torch.device("meta"):
        many = Vits(config.model, config.data, 178, 109).state_dict()
        one = Vits(config.model, config.data, 178).state_dict()
        judges = Discriminators(config.model.discriminator).state_dict()
    assert {original_name(name): tuple(tensor.shape) for name, tensor in many.items()} == generator
    assert {discriminator_name(name): tuple(tensor.shape) for name, tensor in judges.items()} == discriminators
    single = {original_name(name) for name in one}
    assert len(single) == 838 and single == {n for n in generator if "cond" not in n and not n.startswith("emb_g")}


def checkpoint(folder, speakers=1, discriminators=True, **model):
    """A checkpoint of ours whose parts are the published ones in small; all weights are random."""
    torch.manual_seed(4)
    sizes = {"latent_channels": 8, "hidden_channels": 16, "filter_channels": 32}
    sizes |= {"duration_channels": 16, "speaker_channels": 6, "decoder": {"type": "hifigan", "initial_channels": 32}}
    config = parse_config({"model": sizes | model})
    symbols = SymbolTable.for_languages("ml")
    generator = Vits(config.model, config.data, len(symbols), speakers)
    for parameter in generator.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.05)
    names = [f"reader {number}" for number in range(speakers)]
    tensors = {"generator": generator.state_dict()}
    if discriminators:
        tensors["discriminator"] = Discriminators(config.model.discriminator).state_dict()
    write_checkpoint(folder, CheckpointInfo(config, symbols, names, step=1200, epoch=3, seconds_trained=60.0), tensors)
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A checkpoint of ours with discriminators, and what ``--to original`` made of it."""
    home = tmp_path_factory.mktemp("exported")
    ours = checkpoint(home / "ours", speakers=2)
    facts = VoiceFacts("mine", licence="CC-BY-4.0", half=False)
    said = find_format("original", to_write=True).write(ours, home / "theirs", facts)
    return ours, home / "theirs", said


def test_an_exported_checkpoint_holds_what_the_original_code_loads(exported):
    _ours, folder, said = exported
    assert "858 tensors" in said and "D_1200.pth with 111" in said
    for letter, names in zip("GD", published_layout(), strict=True):
        content = torch.load(folder / f"{letter}_1200.pth", weights_only=True)
        assert set(content) == {"model", "iteration", "optimizer", "learning_rate"} and content["iteration"] == 3
        assert set(content["model"]) == set(names)
        group = content["optimizer"]["param_groups"][0]
        assert len(group["params"]) == len(names) and content["optimizer"]["state"] == {}
    config = json.loads((folder / "config.json").read_text())
    assert config["data"]["n_speakers"] == 2 and config["model"]["gin_channels"] == 6
    assert config["train"]["segment_size"] == 8192 and config["symbols"][:4] == ["_", "^", "$", " "]
    assert "^sentence$" in (folder / "README.md").read_text()


def test_out_and_in_again_is_the_same_checkpoint(exported, tmp_path):
    ours, folder, _said = exported
    back = recognise(folder).read(folder, ImportOptions("mine"))
    for group, tensors in (("generator", back.model.state_dict()), ("discriminator", back.discriminators)):
        before = read_tensors(ours, group)
        assert before.keys() == tensors.keys()
        assert all(torch.equal(before[name], tensor) for name, tensor in tensors.items())
    before = read_info(ours)
    assert (back.info.symbols, back.info.speakers, back.info.step) == (before.symbols, before.speakers, before.step)
    assert back.info.config.model == before.config.model and back.facts.licence == "CC-BY-4.0"


def test_one_offered_speaker_of_several_can_still_be_loaded(exported, tmp_path):
    ours, _folder, _said = exported
    facts = VoiceFacts("mine", [OfferedSpeaker("reader 1", "thira")], half=False)
    find_format("original", to_write=True).write(ours, tmp_path / "theirs", facts)
    table = torch.load(tmp_path / "theirs" / "G_1200.pth", weights_only=True)["model"]["emb_g.weight"]
    row = read_tensors(ours, "generator")["emb_g.weight"][1]
    assert table.shape == (2, 6) and torch.equal(table[0], row) and torch.equal(table[1], row)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"flow_layers": 2}, "model.flow_layers"),
        ({"duration_channels": 24}, "model.duration_channels"),
        ({"duration_sums": True}, "rounds them by their sum"),
        ({"decoder": {"type": "vocos", "channels": 16, "blocks": 1}}, "this voice's is vocos"),
        ({"decoder": {"type": "hifigan", "residual_dilations": [[1, 3]] * 3, "initial_channels": 32}}, "3 dilations"),
    ],
)
def test_voices_of_other_parts_are_refused(tmp_path, model, words):
    ours = checkpoint(tmp_path / "ours", discriminators=False, **model)
    with pytest.raises(FormatError, match=words):
        find_format("original", to_write=True).write(ours, tmp_path / "out", VoiceFacts("x", half=False))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def folder(tmp_path):
    """A checkpoint of one speaker in the original layout, to damage."""
    return write_original(tmp_path / "theirs", SPOKEN[1])


def change(folder, section, **keys):
    config = json.loads((folder / "config.json").read_text())
    (config[section] if section else config).update(keys)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("section", "keys", "words"),
    [
        ("data", {"training_files": "train.uroman"}, "romanised by uroman"),
        ("", {"symbols": None}, "--symbols"),
        ("", {"model": None}, "no sections model and data"),
        ("model", {"resblock": "3"}, "model.resblock"),
        ("model", {"use_spectral_norm": True}, "use_spectral_norm"),
        ("model", {"upsample_rates": [8, 8]}, "upsample_rates"),
        ("model", {"n_layers": 3}, "is missing"),
        ("model", {"n_layers": 1}, "has no place"),
        ("model", {"hidden_channels": 18}, "has the shape"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_that_names_it(folder, section, keys, words):
    change(folder, section, **keys)
    with pytest.raises(SwaramError, match=words) as error:
        recognise(folder).read(folder, LANGUAGE)
    assert "\n" not in str(error.value)


def test_phonemes_are_not_read_as_letters(folder):
    change(folder, "", symbols=None)
    change(folder, "data", text_cleaners=["english_cleaners2"])
    with pytest.raises(FormatError, match=r"reads phonemes \(english_cleaners2\)"):
        recognise(folder).read(folder, LANGUAGE)


def test_symbols_come_from_the_vocabulary_beside_it_or_from_the_user(folder, tmp_path):
    listed = json.loads((folder / "config.json").read_text())["symbols"]
    letters = [symbol or chr(0xE000 + place) for place, symbol in enumerate(listed)]
    change(folder, "", symbols=None)
    (folder / "vocab.txt").write_text("\n".join(letters) + "\n", encoding="utf-8")
    by_file = recognise(folder).read(folder, LANGUAGE).info.symbols
    assert by_file.symbols == letters and by_file.encode("അ") == [0, letters.index("അ"), 0]
    (folder / "vocab.txt").unlink()
    (tmp_path / "own.json").write_text(json.dumps(letters))
    options = ImportOptions("mine", languages=("ml",), symbols=tmp_path / "own.json")
    assert recognise(folder).read(folder, options).info.symbols == by_file


def test_a_checkpoint_with_a_program_in_it_is_refused_unread(folder):
    marker = folder / "exploded"

    class Bomb:
        def __reduce__(self):
            return (type(marker).touch, (marker,))

    torch.save({"model": {}, "iteration": Bomb()}, folder / "G_3000.pth")
    with pytest.raises(FormatError, match="could run a program"):
        recognise(folder).read(folder, LANGUAGE)
    (folder / "G_3000.pth").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(FormatError, match="cannot be read as a PyTorch file"):
        recognise(folder).read(folder, LANGUAGE)
    assert not marker.exists()


def test_other_discriminators_are_left_out_with_a_word(folder):
    torch.save({"model": {"discriminators.0.other": torch.zeros(1)}, "iteration": 1}, folder / "D_3000.pth")
    read = recognise(folder).read(folder, LANGUAGE)
    assert read.discriminators is None and any("discriminators are left out" in note for note in read.notes)
