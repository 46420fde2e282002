"""Voices of Hugging Face's VitsModel become ours and ours become theirs, with the same sound."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.config import parse_config
from swaram.errors import SwaramError
from swaram.export.facts import OfferedSpeaker, VoiceFacts
from swaram.export.voice import write_voice
from swaram.formats import find_format, recognise
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.importing import import_voice
from swaram.formats.layouts import DIRECTION, MAGNITUDE, huggingface_name
from swaram.formats.tensors import join_weight, split_weight
from swaram.languages import LanguageError
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo, read_info, read_tensors, write_checkpoint
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.formats.foreign_voices import (
    SENTENCE,
    difference,
    model_audio,
    noises,
    package_audio,
    vits_audio,
    vocabulary,
    write_vits,
)

transformers = pytest.importorskip("transformers", reason="transformers is of the extra dev")
ZERO, PUBLISHED = (0.0, 1.0, 0.0), (0.667, 1.0, 0.8)
SEVERAL = {"num_speakers": 3, "speaker_embedding_size": 8}
CONFIGURATIONS = {
    "one speaker": {},
    "several speakers": SEVERAL,
    "plain durations": {"use_stochastic_duration_prediction": False},
    "several speakers, plain durations": {**SEVERAL, "use_stochastic_duration_prediction": False},
    "no bias, other sizes": {
        "use_bias": False,
        "use_stochastic_duration_prediction": False,
        "num_attention_heads": 4,
        "window_size": 2,
        "ffn_kernel_size": 5,
        "wavenet_kernel_size": 3,
        "prior_encoder_num_flows": 3,
        "upsample_rates": [4, 2, 2],
        "upsample_kernel_sizes": [8, 4, 4],
    },
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a random VitsModel, and the model."""
    folder = tmp_path_factory.mktemp("saved") / "mms-tts-mal"
    return folder, write_vits(folder, use_stochastic_duration_prediction=False)


@pytest.fixture(scope="module")
def imported(saved, tmp_path_factory):
    """The engine of the voice that the import makes of that folder, and what the import reported."""
    out = tmp_path_factory.mktemp("imported") / "voice"
    report = import_voice(recognise(saved[0]), saved[0], out, ImportOptions("mine"))
    return Engine(Voice.open(out)), report


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the folder to change."""
    return shutil.copytree(saved[0], tmp_path / "mms-tts-mal")


def change(path, **keys):
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


@pytest.mark.parametrize("changes", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_an_imported_voice_sounds_as_it_did(changes, tmp_path):
    model = write_vits(tmp_path / "theirs", **changes)
    read = recognise(tmp_path / "theirs").read(tmp_path / "theirs", ImportOptions("mine"))
    # A package costs seconds to trace, and the export compares it with PyTorch itself: one of each kind is enough.
    packed = changes not in (CONFIGURATIONS["one speaker"], CONFIGURATIONS["several speakers, plain durations"])
    if packed:
        write_voice(read.model, read.info, tmp_path / "ours", read.facts)
    ids = np.random.default_rng(1).integers(0, model.config.vocab_size, 37)
    noise = noises(len(ids), 8)
    speakers = [0, 2] if changes.get("num_speakers") else [None]
    for speaker in speakers:
        for scales in (ZERO, PUBLISHED, (0.4, 1.3, 0.5)):
            theirs = vits_audio(model, ids, noise, scales, speaker)
            numbers = {} if speaker is None else {"speaker": speaker}
            if packed:
                ours = package_audio(tmp_path / "ours", ids, noise, scales, **numbers)
            else:
                ours = model_audio(read.model, ids, noise, scales, speaker)
            assert difference(ours, theirs) < 1e-4 and 0.01 < theirs.std() < 0.3
    heard = [vits_audio(model, ids, noise, ZERO, speaker)[:1000] for speaker in speakers]
    assert len(heard) == 1 or np.abs(heard[0] - heard[1]).max() > 1e-2


def test_text_gets_the_ids_that_the_tokenizer_gives(saved, imported):
    tokenizer = transformers.VitsTokenizer.from_pretrained(saved[0])
    engine, _report = imported
    for text in (SENTENCE, "നീ വന്നോ? ഇല്ല, വന്നില്ല!"):
        passages = engine.reader(SpeechRequest()).read(text).passages
        ours = [engine.voice.symbols.encode(passage.text) for passage in passages]
        assert ours == [tokenizer(sentence).input_ids for sentence in text.split("? ")]


def test_an_imported_voice_streams_what_it_says_whole(imported):
    engine, report = imported
    assert report.check.difference < 1e-5 and report.check.level > -55 and report.check.symbols > 20
    assert engine.voice.sample_rate == 8000 and engine.voice.languages == ("ml",)
    request = SpeechRequest(" ".join([SENTENCE] * 8))
    windows = list(engine.stream(request))
    assert len(windows) > 1
    joined = np.concatenate([window.samples for window in windows])
    assert np.array_equal(joined, engine.synthesise(request).audio)
    assert [mark.start for mark in windows[0].marks][:3] == [0, 5, 13]


def test_weights_under_the_names_of_older_files_are_read(folder, saved):
    model = folder / "model.safetensors"
    older = {
        name.replace(MAGNITUDE, ".weight_g").replace(DIRECTION, ".weight_v"): tensor
        for name, tensor in load_file(model).items()
    }
    assert any(name.endswith("weight_g") for name in older)
    save_file(older, model)
    states = [recognise(path).read(path, ImportOptions("x")).model.state_dict() for path in (folder, saved[0])]
    assert all(torch.equal(states[0][name], tensor) for name, tensor in states[1].items())


def test_a_pickled_model_is_read_and_anything_else_in_a_pickle_is_not(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert recognise(folder).read(folder, ImportOptions("x")).model is not None
    torch.save({"model": Bomb(folder / "exploded")}, folder / "pytorch_model.bin")
    with pytest.raises(FormatError, match="could run a program") as error:
        recognise(folder).read(folder, ImportOptions("x"))
    assert "\n" not in str(error.value) and not (folder / "exploded").exists()


class Bomb:
    """Writes a file if it is ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).write_text, (self.path, "boom"))


@pytest.mark.parametrize(
    ("file", "keys", "words"),
    [
        ("tokenizer_config.json", {"is_uroman": True}, "romanised by uroman"),
        ("tokenizer_config.json", {"phonemize": True}, "phonemes of espeak"),
        ("config.json", {"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ("config.json", {"wavenet_dilation_rate": 2}, "wavenet_dilation_rate"),
        ("config.json", {"hidden_size": 18}, "has the shape"),
        ("config.json", {"hidden_size": "16"}, "hidden_channels"),
        ("config.json", {"num_hidden_layers": 3}, "is missing"),
        ("config.json", {"num_hidden_layers": 1}, "has no place"),
        ("config.json", {"upsample_rates": "many"}, "upsample_rates must be"),
        ("config.json", {"num_hidden_layers": 1_000_000}, "1000000 layers"),
        ("config.json", {"hidden_size": 1_000_000}, "has the shape"),
        ("config.json", {"vocab_size": 20}, "has the id"),
        ("config.json", {"num_speakers": -1}, "num_speakers"),
        ("config.json", {"noise_scale": "loud"}, "noise_scale"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_that_names_it(folder, file, keys, words):
    change(folder / file, **keys)
    with pytest.raises(SwaramError, match=words) as error:
        recognise(folder).read(folder, ImportOptions("x"))
    assert "\n" not in str(error.value)


def test_files_that_are_missing_or_damaged_are_named(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(FormatError, match=r"model\.safetensors: cannot be read"):
        recognise(folder).read(folder, ImportOptions("x"))
    (folder / "model.safetensors").unlink()
    with pytest.raises(FormatError, match="holds neither"):
        recognise(folder).read(folder, ImportOptions("x"))
    (folder / "config.json").write_text("[]")
    with pytest.raises(FormatError, match="of no known format"):
        recognise(folder)


def test_weights_that_are_no_numbers_are_refused(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["decoder.conv_pre.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FormatError, match=r"decoder\.conv_pre\.bias holds values that are not numbers"):
        recognise(folder).read(folder, ImportOptions("x"))


def test_the_language_comes_from_the_user_the_tokenizer_or_the_name(folder, tmp_path):
    assert recognise(folder).read(folder, ImportOptions("x")).info.config.data.languages == ["ml"]
    change(folder / "tokenizer_config.json", language="hin")
    with pytest.raises(LanguageError, match="Hindi"):
        recognise(folder).read(folder, ImportOptions("x"))
    change(folder / "tokenizer_config.json", language=None)
    assert recognise(folder).read(folder, ImportOptions("x")).info.config.data.languages == ["ml"]
    nameless = folder.rename(tmp_path / "downloads")
    with pytest.raises(FormatError, match="--language"):
        recognise(nameless).read(nameless, ImportOptions("x"))
    with pytest.raises(FormatError, match="not letters of Tamil"):
        recognise(nameless).read(nameless, ImportOptions("x", languages=("ta",)))


def paper_checkpoint(folder, speakers=1, durations="stochastic", **model):
    """A checkpoint of the paper's kind in small, with discriminators, every weight random."""
    torch.manual_seed(3)
    sizes = {
        "latent_channels": 8,
        "hidden_channels": 16,
        "filter_channels": 32,
        "text_layers": 2,
        "speaker_channels": 6,
    }
    sizes |= {"duration_predictor": durations, "duration_channels": 16 if durations == "stochastic" else 256}
    decoder = {"type": "hifigan", "initial_channels": 32}
    config = parse_config({"model": {**sizes, "decoder": decoder, **model}})
    symbols = SymbolTable.for_languages("ml")
    generator = Vits(config.model, config.data, len(symbols), speakers)
    for name, parameter in generator.named_parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.05)
        if name.startswith("dec.") and name.endswith("original0"):
            parameter.data.mul_(5)
    names = [f"reader {number}" for number in range(speakers)]
    info = CheckpointInfo(config, symbols, names, step=1200, epoch=3, seconds_trained=60.0)
    write_checkpoint(folder, info, {"generator": generator.state_dict()})
    return generator.eval()


@pytest.mark.parametrize(("speakers", "durations"), [(1, "stochastic"), (1, "plain"), (3, "stochastic")])
def test_transformers_loads_an_exported_voice_with_the_same_sound(tmp_path, speakers, durations):
    ours = paper_checkpoint(tmp_path / "ours", speakers, durations)
    facts = VoiceFacts("mine", licence="CC-BY-4.0", half=False)
    find_format("huggingface", to_write=True).write(tmp_path / "ours", tmp_path / "theirs", facts)
    theirs, loading = transformers.VitsModel.from_pretrained(tmp_path / "theirs", output_loading_info=True)
    assert not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    symbols = SymbolTable.for_languages("ml")
    assert tokenizer(f"^{SENTENCE}.$").input_ids == symbols.encode(SENTENCE + ".")
    ids = np.array(symbols.encode(SENTENCE))
    speaker = speakers - 1 if speakers > 1 else None
    for scales in (ZERO, PUBLISHED):
        noise = noises(len(ids), 8)
        expected = model_audio(ours, ids, noise, scales, speaker)
        assert difference(vits_audio(theirs.eval(), ids, noise, scales, speaker), expected) < 1e-4
        assert expected.std() > 1e-3


@pytest.mark.parametrize(("speakers", "durations"), [(1, "plain"), (2, "stochastic")])
def test_out_and_in_again_is_the_same_voice(tmp_path, speakers, durations):
    ours = paper_checkpoint(tmp_path / "ours", speakers, durations).state_dict()
    facts = VoiceFacts("mine", licence="CC-BY-4.0", attribution=["the readers"], half=False)
    find_format("huggingface", to_write=True).write(tmp_path / "ours", tmp_path / "theirs", facts)
    back = recognise(tmp_path / "theirs").read(tmp_path / "theirs", ImportOptions("mine"))
    differences = [
        (back.model.state_dict()[name] - tensor).abs().max() for name, tensor in ours.items() if "dec" not in name
    ]
    assert max(differences) == 0
    again = {name: tensor for name, tensor in back.model.state_dict().items() if name.startswith("dec.")}
    for name in again:
        if name.endswith(MAGNITUDE):
            stem = name.removesuffix(MAGNITUDE)
            weights = [join_weight(table[name], table[stem + DIRECTION]) for table in (again, ours)]
            assert difference(weights[0].numpy(), weights[1].numpy()) < 1e-6
    assert back.info.symbols == SymbolTable.for_languages("ml") and back.info.step == 1200
    assert back.info.speakers == read_info(tmp_path / "ours").speakers
    assert (back.facts.licence, back.facts.attribution) == ("CC-BY-4.0", ["the readers"])


def test_only_offered_speakers_leave_the_house(tmp_path):
    ours = paper_checkpoint(tmp_path / "ours", speakers=3)
    for offered in (["reader 2", "reader 0"], ["reader 1"]):
        speakers = [OfferedSpeaker(name, name.upper()) for name in offered]
        facts = VoiceFacts("mine", speakers, half=False)
        find_format("huggingface", to_write=True).write(tmp_path / "ours", tmp_path / "theirs", facts)
        table = load_file(tmp_path / "theirs" / "model.safetensors")["embed_speaker.weight"]
        rows = [int(name[-1]) for name in offered]
        assert torch.equal(table, ours.emb_g.weight[rows if len(rows) > 1 else rows * 2])


def test_voices_that_the_format_has_no_place_for_are_refused(tmp_path):
    paper_checkpoint(tmp_path / "vocos", decoder={"type": "vocos", "n_fft": 1024, "channels": 16, "blocks": 1})
    paper_checkpoint(tmp_path / "kernels", posterior_kernel=3)
    paper_checkpoint(tmp_path / "sums", duration_sums=True)
    facts = VoiceFacts("mine", half=False)
    for name, words in (
        ("vocos", "this voice's is vocos"),
        ("kernels", "kernels of posterior encoder and flow"),
        ("sums", "durations are rounded by their sum"),
    ):
        with pytest.raises(FormatError, match=words):
            find_format("huggingface", to_write=True).write(tmp_path / name, tmp_path / "out", facts)


def test_the_published_size_has_the_same_names_and_shapes():
    for speakers, stochastic in ((1, True), (109, True), (1, False)):
        given = {"num_speakers": speakers, "speaker_embedding_size": 256 if speakers > 1 else 0, "vocab_size": 178}
        with torch.device("meta"):
            theirs = transformers.VitsModel(
                transformers.VitsConfig(use_stochastic_duration_prediction=stochastic, **given)
            ).state_dict()
            model = {} if stochastic else {"duration_predictor": "plain", "duration_channels": 256}
            config = parse_config({"model": model})
            ours = Vits(config.model, config.data, 178, speakers).state_dict()
        named = {}
        for name, tensor in ours.items():
            if name.startswith("dec.") and name.endswith(MAGNITUDE):
                continue
            if name.startswith("dec.") and name.endswith(DIRECTION):
                name = name.replace(DIRECTION, ".weight")
            shape = tuple(tensor.shape)
            if name.startswith("enc_p.attention.") and name.endswith(".weight"):
                shape = shape[:2]  # a convolution of width 1 there is a linear layer here
            named[huggingface_name(name, plain=not stochastic)] = shape
        assert named == {name: tuple(tensor.shape) for name, tensor in theirs.items()}


def test_weights_split_and_join_exactly_even_where_they_are_zero():
    weight = torch.randn(6, 4, 3)
    weight[2] = 0
    joined = join_weight(*split_weight(weight))
    assert torch.isfinite(joined).all() and (joined - weight).abs().max() < 1e-6 and not joined[2].any()


def test_half_precision_halves_the_file(tmp_path):
    paper_checkpoint(tmp_path / "ours")
    sizes = []
    for more in ([], ["--half"]):
        command = ["voice", "export", str(tmp_path / "ours"), "-o", str(tmp_path / "out"), "--to", "huggingface", *more]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0 and "for transformers.VitsModel" in result.output
        sizes.append((tmp_path / "out" / "model.safetensors").stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]
    assert transformers.VitsModel.from_pretrained(tmp_path / "out").dtype == torch.float16
    assert read_tensors(tmp_path / "ours", "generator")["enc_p.emb.weight"].dtype == torch.float32


def test_vocabularies_of_several_scripts_are_read(tmp_path):
    write_vits(tmp_path / "theirs", symbols=vocabulary("ml", "ta"), use_stochastic_duration_prediction=False)
    options = ImportOptions("x", languages=("ta", "ml"))
    read = recognise(tmp_path / "theirs").read(tmp_path / "theirs", options)
    assert read.info.config.data.languages == ["ta", "ml"]
    write_voice(read.model, read.info, tmp_path / "voice", read.facts)
    engine = Engine(Voice.open(tmp_path / "voice"))
    assert all(
        engine.synthesise(SpeechRequest(text, language=code)).audio.std() > 0.01
        for code, text in (("ta", "வணக்கம் நண்பா"), ("ml", SENTENCE))
    )
