"""The vits_rasa_13 layout: speakers, emotions added to them, thirteen languages; shown on a made model."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from swaram.export.voice import write_voice
from swaram.formats import recognise
from swaram.formats.exchange import FormatError, ImportOptions
from swaram.formats.rasa import LANGUAGES, SPEAKERS
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.formats.foreign_voices import difference, noises, package_audio, vits_audio, vocabulary, write_vits

pytest.importorskip("transformers", reason="transformers is of the extra dev")
EMOTIONS = ["ALEXA", "ANGER", "BOOK", "HAPPY", "WIKI"]
TEXTS = {"ml": "അമ്മ വീട്ടിൽ വന്നു", "ta": "அம்மா வீட்டிற்கு வந்தாள்", "bn": "মা বাড়ি এলেন", "brx": "आं नोआव थांदों"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of the layout; the VitsModel within; its table of emotions float32 [5, 8]."""
    folder = tmp_path_factory.mktemp("rasa") / "vits_rasa_13"
    shape = {"num_speakers": 20, "speaker_embedding_size": 8, "sampling_rate": 24_000}
    shape["use_stochastic_duration_prediction"] = False
    model = write_vits(folder, symbols=vocabulary(*LANGUAGES), **shape)
    emotions = torch.randn(len(EMOTIONS), 8)
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"embed_emotion.weight": emotions}, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    more = {"model_type": "indic_vits_model", "emotion2id": {name: place for place, name in enumerate(EMOTIONS)}}
    (folder / "config.json").write_text(json.dumps(config | more))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"language": None}))
    return folder, model, emotions


@pytest.fixture(scope="module")
def voice(made, tmp_path_factory):
    """The voice package that the import makes, and what was noted."""
    folder, _model, _emotions = made
    read = recognise(folder).read(folder, ImportOptions("rasa", licence="CC-BY-4.0"))
    out = tmp_path_factory.mktemp("imported") / "rasa"
    write_voice(read.model, read.info, out, read.facts)
    return out, read.notes


def test_an_emotion_is_added_to_the_speaker(made, voice):
    _folder, model, emotions = made
    table = model.embed_speaker.weight.data.clone()
    styles = Voice.open(voice[0]).manifest.styles
    ids = np.random.default_rng(1).integers(0, model.config.vocab_size, 31)
    noise = noises(len(ids), 8)
    heard = []
    for speaker, emotion in ((11, "HAPPY"), (11, "ANGER"), (19, "ANGER")):
        model.embed_speaker.weight.data = table + emotions[EMOTIONS.index(emotion)]
        numbers = {"speaker": speaker, "style": styles.index(emotion), "language": 6}
        for scales in ((0.0, 1.0, 0.0), (0.667, 1.0, 0.8)):
            theirs = vits_audio(model, ids, noise, scales, speaker)
            ours = package_audio(voice[0], ids, noise, scales, **numbers)
            assert difference(ours, theirs) < 1e-4 and theirs.std() > 0.01
        heard.append(theirs)
    model.embed_speaker.weight.data = table
    assert len({len(audio) for audio in heard}) > 1 or np.abs(heard[0] - heard[1]).max() > 1e-2


def test_speakers_styles_and_languages_have_their_names(voice):
    manifest = Voice.open(voice[0]).manifest
    assert [speaker.name for speaker in manifest.speakers] == list(SPEAKERS)
    assert (manifest.speakers[11].name, manifest.speakers[11].gender) == ("MAL_F", "female")
    assert set(EMOTIONS) < set(manifest.styles) and tuple(manifest.languages) == LANGUAGES
    assert manifest.sample_rate == 24_000 and manifest.licence == "CC-BY-4.0"
    assert any("without a style it speaks as WIKI" in note for note in voice[1])


@pytest.mark.parametrize("code", TEXTS)
def test_it_speaks_and_streams_in_its_languages(voice, code):
    engine = Engine(Voice.open(voice[0]))
    request = SpeechRequest(TEXTS[code], speaker="TAM_F", language=code, style="happy")
    whole = engine.synthesise(request)
    assert whole.audio.std() > 0.01 and not whole.notices
    assert np.array_equal(np.concatenate([window.samples for window in engine.stream(request)]), whole.audio)
    plain = engine.synthesise(SpeechRequest(TEXTS[code], speaker="TAM_F", language=code)).audio
    wiki = engine.synthesise(SpeechRequest(TEXTS[code], speaker="TAM_F", language=code, style="WIKI")).audio
    assert np.array_equal(plain, wiki) and not np.array_equal(plain, whole.audio[: len(plain)])


def test_a_folder_without_one_table_of_emotions_is_refused(made, tmp_path):
    folder = tmp_path / "rasa"
    folder.mkdir()
    for file in made[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    tensors["embed_emotion.weight"] = torch.zeros(5, 3)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FormatError, match="has 0 tables of emotions"):
        recognise(folder).read(folder, ImportOptions("x"))


def test_emotions_without_names_have_numbers(made, tmp_path):
    folder = tmp_path / "rasa"
    folder.mkdir()
    for file in made[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    del config["emotion2id"]
    (folder / "config.json").write_text(json.dumps(config))
    read = recognise(folder).read(folder, ImportOptions("x", languages=("ml",)))
    assert read.info.config.data.styles == [f"emotion-{number}" for number in range(5)]
    assert any("do not name the emotions" in note for note in read.notes)
