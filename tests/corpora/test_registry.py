"""Each reader on a small corpus of its exact shape, awkward forms included."""

import dataclasses
import io
import json
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from swaram.audio.files import read_audio
from swaram.audio.resample import resample
from swaram.corpora import CORPORA, CorpusError, ReadOptions, get_corpus
from tests.recorded_speech import CORPUS, file_bytes, spoken_clips


@pytest.fixture(scope="module")
def said():
    """Text, and files of one sentence: 48 kHz FLAC, 16 kHz WAV, MP3, Opus in WebM."""
    clip = spoken_clips()[0]
    high, low = resample(clip.audio, clip.rate, 48_000), resample(clip.audio, clip.rate, 16_000)
    return {
        "text": clip.text,
        "seconds": len(clip.audio) / clip.rate,
        "flac": file_bytes(high, 48_000, "flac"),
        "wav": file_bytes(low, 16_000, "wav"),
        "mp3": file_bytes(high, 48_000, "mp3"),
        "webm": file_bytes(high, 48_000, "webm"),
    }


def read(name, folder, **options):
    return list(get_corpus(name).read(folder, ReadOptions(**options)))


def assert_speaks(utterance, seconds):
    """The audio decodes, is as long as it should be, and is not silent."""
    recording = read_audio(utterance.audio, start=utterance.start or 0.0, end=utterance.end)
    assert recording.duration == pytest.approx(seconds, abs=0.15)
    assert np.abs(recording.audio).max() > 0.05


def write_parquet(path, rows, labels=None):
    """Parquet as the hub writes it: audio as {bytes, path}, class labels as whole numbers with names beside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    features = {column: {"names": names, "_type": "ClassLabel"} for column, names in (labels or {}).items()}
    table = pa.Table.from_pylist(rows)
    about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    pq.write_table(table.replace_schema_metadata(about), path, row_group_size=2)


IV_ROW = {
    "text": "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്", "lang": "ml", "normalized": "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്",
    "verbatim": "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്", "unsanitized_verbatim": "അണ്ണാൻ കുഞ്ഞും [squirrel] തന്നാലായത്. <noise>",
    "unsanitized_normalized": "അണ്ണാൻ കുഞ്ഞും, തന്നാലായത്.", "speaker_id": "S4257", "scenario": "Extempore",
    "task_name": "DOI - Agriculture", "gender": "Female", "age_group": "30-45", "job_type": "Student",
    "qualification": "Undergrad and Grad.", "area": "Rural", "district": "Kollam", "state": "Kerala",
    "occupation": "None",
}  # fmt: skip


@pytest.mark.parametrize("form", ["struct", "json", "repr"])
def test_indicvoices_rows_with_every_form_of_report(said, tmp_path, form):
    report = {"decision": "excellent", "low_volume": False, "noise_persistent": True, "comments": 'it\'s "fine"'}
    value = {"struct": report, "json": json.dumps(report), "repr": repr(report)}[form]
    row = IV_ROW | {
        "audio_filepath": {"bytes": said["flac"], "path": "281474976895730_chunk_1.flac"},
        "duration": str(said["seconds"]), "samples": int(said["seconds"] * 48_000), "verification_report": value,
    }  # fmt: skip
    write_parquet(tmp_path / "malayalam" / "train-00000-of-00001.parquet", [row])
    (utterance,) = read("indicvoices", tmp_path)
    assert utterance.id == "iv-ml-281474976895730_chunk_1"
    assert utterance.text == "അണ്ണാൻ കുഞ്ഞും, തന്നാലായത്."  # with its punctuation
    assert utterance.verification["noise_persistent"] is True
    assert utterance.verification["decision"] == "excellent"
    assert (utterance.language, utterance.speaker, utterance.gender) == ("ml", "iv-S4257", "female")
    assert (utterance.district, utterance.state, utterance.age_group) == ("Kollam", "Kerala", "30-45")
    assert (utterance.task, utterance.scenario, utterance.stated_rate) == ("DOI - Agriculture", "Extempore", 48_000)
    assert utterance.stated_duration == pytest.approx(said["seconds"])
    assert_speaks(utterance, said["seconds"])


def test_one_language_is_chosen_from_a_folder_of_several(said, tmp_path):
    audio = {"bytes": said["wav"], "path": "a.wav"}
    for language in ("ml", "ta", "hi"):
        row = IV_ROW | {"audio": audio, "lang": language}
        write_parquet(tmp_path / language / "train.parquet", [row])
    (tmp_path / "ta" / "broken.parquet").write_bytes(b"PAR1")
    assert [u.language for u in read("indicvoices", tmp_path) if not u.fault] == ["hi", "ml", "ta"]
    chosen = read("indicvoices", tmp_path, language="ta")
    assert [(u.language, bool(u.fault)) for u in chosen] == [("ta", True), ("ta", False)]


def test_class_labels_stored_as_numbers_get_their_names(said, tmp_path):
    row = IV_ROW | {"audio": {"bytes": said["wav"], "path": "a.wav"}, "gender": 1, "scenario": 2}
    row |= {"samples": int(said["seconds"] * 8_000), "duration": said["seconds"]}  # of the recording before restoring
    labels = {"gender": ["Female", "Male", "Other"], "scenario": ["Read", "Extempore", "Conversation"]}
    write_parquet(tmp_path / "train.parquet", [row], labels)
    (utterance,) = read("indicvoices-r", tmp_path)
    assert (utterance.gender, utterance.scenario) == ("male", "Conversation")
    assert utterance.stated_rate is None


def test_indicvoices_raw_release_is_cut_by_its_segments(said, tmp_path):
    folder = tmp_path / "Malayalam" / "v1" / "train"
    folder.mkdir(parents=True)
    clip = spoken_clips()[0]
    silence = np.zeros(16_000, np.float32)
    low = resample(clip.audio, clip.rate, 16_000)
    (folder / "1407.wav").write_bytes(file_bytes(np.concatenate([low, silence, low]), 16_000))
    second = said["seconds"] + 1.0
    segments = [
        {"start": 0.0, "end": said["seconds"], "text": "ചോദ്യം എന്താണ്?", "speaker_id": 1},
        {"start": second, "end": second + said["seconds"], "text": "തന്നാലായത്", "speaker_id": 2},
    ]
    fixed = [dict(s, text=s["text"] + ".") for s in segments]
    about = {
        "verbatim": segments,
        "normalized": fixed,
        "speaker_id": "S1",
        "gender": "Male",
        "task_name": "KYP - Cooking",
    }
    (folder / "1407.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "1408.json").write_text("[1, 2", encoding="utf-8")
    interviewer, speaker, broken = read("indicvoices", tmp_path)
    assert interviewer.verification == {"interviewer": True}
    assert (speaker.language, speaker.text, speaker.speaker) == ("ml", "തന്നാലായത്.", "iv-S1")
    assert speaker.id == "iv-ml-1407-0001"
    assert_speaks(speaker, said["seconds"])
    assert broken.fault == "JSON without segments"


def test_indicvoices_r_from_a_tar_with_its_manifest(said, tmp_path):
    rows = [
        {"filename": "m1.wav", "text": said["text"], "lang": "ml", "speaker_id": "S1", "gender": "Female", "snr": 41.2,
         "cer": "0.0416", "duration": str(said["seconds"]), "task_name": "Alexa Commands"},
        {"filename": "gone.wav", "text": said["text"], "lang": "ml", "speaker_id": "S2"},
    ]  # fmt: skip
    with tarfile.open(tmp_path / "Malayalam.tar.gz", "w:gz") as archive:
        members = [("Malayalam/wavs/m1.wav", said["wav"]), ("Malayalam/wavs/extra.wav", said["wav"])]
        members.append(("Malayalam/manifest.jsonl", "\n".join(map(json.dumps, rows)).encode()))
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    found, extra, gone = read("indicvoices-r", tmp_path)
    assert (found.stated_cer, found.stated_snr, found.language) == (0.0416, 41.2, "ml")
    assert found.id == "ivr-ml-m1"
    assert_speaks(found, said["seconds"])
    assert extra.fault == "audio without a row in the manifest"
    assert (gone.audio, gone.speaker) == (None, "ivr-S2")


def test_rasa_names_its_speakers_by_language_and_gender(said, tmp_path):
    rows = [
        {"filename": f"{i}.wav", "text": said["text"], "language": "Malayalam", "gender": gender, "style": style,
         "duration": str(said["seconds"]), "audio": {"bytes": said["flac"], "path": f"{i}.wav"}}
        for i, (gender, style) in enumerate([("Female", "CONV"), ("Male", "NEWS"), ("Female", "SOMETHING NEW")])
    ]  # fmt: skip
    write_parquet(tmp_path / "Malayalam" / "train-0.parquet", rows)
    utterances = read("rasa", tmp_path)
    assert [u.speaker for u in utterances] == ["rasa-ml-female", "rasa-ml-male", "rasa-ml-female"]
    assert [u.style for u in utterances] == ["CONV", "NEWS", "SOMETHING NEW"]
    assert utterances[0].stated_duration == pytest.approx(said["seconds"])
    assert_speaks(utterances[1], said["seconds"])


def test_kathbath_is_of_unknown_domain(said, tmp_path):
    row = {"fname": "844424932691175-1133-f.m4a", "text": said["text"], "lang": "malayalam", "duration": 4.1,
           "gender": "female", "speaker_id": 1133,
           "audio_filepath": {"bytes": said["wav"], "path": "844424932691175-1133-f.wav"}}  # fmt: skip
    write_parquet(tmp_path / "valid.parquet", [row])
    (utterance,) = read("kathbath", tmp_path)
    assert utterance.provenance.unknown_domain
    assert (utterance.speaker, utterance.language) == ("kathbath-ml-1133", "ml")
    assert_speaks(utterance, said["seconds"])


def svarah_folder(said, tmp_path, stats):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "281474976884635.wav").write_bytes(said["wav"])
    line = {"audio_filepath": "audio/281474976884635.wav", "duration": 4.25, "text": "the crop was good"}
    (tmp_path / "svarah_manifest.json").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (tmp_path / "saa_l1_manifest.json").write_text("", encoding="utf-8")
    header = (
        "speaker_id,duration,text,gender,age-group,primary_language,native_place_state,native_place_district,"
        "highest_qualification,job_category,occupation_domain\n"
    )
    (tmp_path / "meta_speaker_stats.csv").write_text(header + stats, encoding="utf-8")


def test_svarah_joins_its_manifest_with_the_table_of_speakers(said, tmp_path):
    svarah_folder(said, tmp_path, "S7,4.25,the crop was good,Female,18-30,Tamil,Tamil Nadu,Salem,PhD,Full Time,News\n")
    (utterance,) = read("svarah", tmp_path)
    assert (utterance.speaker, utterance.language, utterance.gender) == ("svarah-S7", "en-IN", "female")
    assert (utterance.age_group, utterance.district, utterance.qualification) == ("18-30", "Salem", "PhD")
    assert utterance.text == "the crop was good"
    assert (utterance.occupation, utterance.domain) == ("News", "")  # what she does is not what she reads
    assert_speaks(utterance, said["seconds"])


@pytest.mark.parametrize(
    "stats",
    ["S7,9.99,another text,,,,,,,,\n", "S7,4.25,the crop was good,,,,,,,,\nS8,4.25,the crop was good,,,,,,,,\n"],
)
def test_svarah_fails_loudly_where_the_speaker_is_not_certain(said, tmp_path, stats):
    svarah_folder(said, tmp_path, stats)
    with pytest.raises(CorpusError, match=r"meta_speaker_stats\.csv has (no row|rows of several speakers)"):
        read("svarah", tmp_path)


def test_iitm_reads_festival_lines_and_keeps_equal_ids_of_two_speakers_apart(said, tmp_path):
    for gender in ("female", "male"):
        folder = tmp_path / "odia" / gender / "mono"
        (folder / "wav").mkdir(parents=True)
        (folder / "wav" / "text0001.wav").write_bytes(said["wav"])
        (folder / "txt.done.data").write_text(
            '( text0001 " ଏହା ଗୋଟିଏ \\"ବାକ୍ୟ\\" । " )\n( text0002 "ନାହିଁ" )\nnot a line\n', encoding="utf-8"
        )
    utterances = read("iitm", tmp_path)
    assert [u.id for u in utterances[:2]] == ["iitm-or-female-text0001", "iitm-or-female-text0002"]
    assert utterances[3].id == "iitm-or-male-text0001"
    assert utterances[0].text == 'ଏହା ଗୋଟିଏ "ବାକ୍ୟ" ।'
    assert (utterances[0].speaker, utterances[3].speaker) == ("iitm-or-female", "iitm-or-male")
    assert utterances[1].audio is None
    assert utterances[2].fault == "line is not in Festival's form"
    assert utterances[0].provenance.licence == "IITM-EULA"
    assert_speaks(utterances[0], said["seconds"])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "prefix,language,source,gender",
    [("mlf", "ml", "slr63", "female"), ("tam", "ta", "slr65", "male"), ("mrt", "mr", "slr64", "female")],
)
def test_openslr_from_folders_and_zips(said, tmp_path, packed, prefix, language, source, gender):
    index = f"{prefix}_02879_01795762363\t{said['text']}\n{prefix}_02879_00000000001\tഇല്ല\n"
    table = "line_index.tsv" if language == "mr" else f"line_index_{gender}.tsv"
    files = {table: index.encode(), f"{prefix}_02879_01795762363.wav": said["wav"], "LICENSE": b"CC BY-SA 4.0"}
    if packed:
        with zipfile.ZipFile(tmp_path / f"{language}_in_{gender}.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
    first, second = read("openslr", tmp_path)
    assert first.id == f"{source}-{prefix}_02879_01795762363"
    assert (first.language, first.speaker, first.gender) == (language, f"{source}-02879", gender)
    assert first.provenance.licence == "CC-BY-SA-4.0"
    assert second.audio is None
    assert_speaks(first, said["seconds"])


def test_openslr_zip_that_is_damaged_is_named(tmp_path):
    (tmp_path / "ml_in_female.zip").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(CorpusError, match=r"ml_in_female\.zip: the archive cannot be read"):
        read("openslr", tmp_path)


def test_common_voice_takes_validated_clips_and_marks_the_others(said, tmp_path):
    names = "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale"
    columns = "\t".join([*names.split(), "segment"]) + "\n"
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "common_voice_ml_1.mp3").write_bytes(said["mp3"])
    row = f'{"a1" * 64}\tcommon_voice_ml_1.mp3\tx\t"{said["text"]}\tgeneral\t2\t0\tthirties\tmale_masculine\t\t\tml\t\n'
    news = f"{'b2' * 64}\tcommon_voice_ml_2.mp3\ty\tവാർത്ത\tnews\t2\t0\t\t\t\t\tml\t\n"
    (tmp_path / "validated.tsv").write_text(columns + row + news, encoding="utf-8")
    (tmp_path / "other.tsv").write_text(columns + row.replace("ml_1", "ml_3"), encoding="utf-8")
    (tmp_path / "clip_durations.tsv").write_text("clip\tduration[ms]\ncommon_voice_ml_1.mp3\t4321\n", encoding="utf-8")
    first, second = read("common-voice", tmp_path)
    assert first.text == '"' + said["text"]  # a quote that opens a sentence does not swallow the table
    assert (first.gender, first.age_group, first.language) == ("male", "thirties", "ml")
    assert first.stated_duration == pytest.approx(4.321)
    assert (second.domain, second.audio) == ("news", None)
    assert_speaks(first, said["seconds"])
    assert [u.reviewed for u in read("common-voice", tmp_path, include_unreviewed=True)] == [True, True, False]


def test_ljspeech_layout_takes_the_normalised_text_and_wants_language_and_licence(said, tmp_path):
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "LJ001-0001.wav").write_bytes(said["wav"])
    (tmp_path / "metadata.csv").write_text(
        f"LJ001-0001|{said['text']} 25|{said['text']}\nLJ001-0002|only raw\n", encoding="utf-8"
    )
    first, second = read("ljspeech", tmp_path, language="ml", licence="CC0-1.0", source="mine")
    assert (first.id, first.text, first.speaker) == ("mine-LJ001-0001", said["text"], "mine-reader")
    assert (second.text, second.audio) == ("only raw", None)
    assert_speaks(first, said["seconds"])
    with pytest.raises(CorpusError, match="does not say its licence; give --licence"):
        read("ljspeech", tmp_path, language="ml")


def test_the_folder_layout_with_and_without_its_table(said, tmp_path):
    for name in ("audio_files", "transcripts", "meta"):
        (tmp_path / name).mkdir()
    (tmp_path / "audio_files" / "anu_001.flac").write_bytes(said["flac"])
    (tmp_path / "transcripts" / "anu_001.txt").write_text(said["text"] + "\n", encoding="utf-8")
    (tmp_path / "meta" / "meta_speaker_stats.csv").write_text(
        "speaker_id,duration,gender,age-group\nanu,10,Female,18-30\nbala,10,Male,30-45\n", encoding="utf-8"
    )
    options = {"language": "ml", "licence": "CC-BY-4.0"}
    (alone,) = read("folder", tmp_path, **options)
    (tmp_path / "metadata.csv").write_text(f"audio_files/anu_001.flac|{said['text']}\n", encoding="utf-8")
    (listed,) = read("folder", tmp_path, **options)
    for utterance in (alone, listed):
        assert (utterance.speaker, utterance.gender, utterance.text) == ("own-anu", "female", said["text"])
        assert_speaks(utterance, said["seconds"])
    (tmp_path / "metadata.csv").write_text("../../etc/passwd|x\n", encoding="utf-8")
    (outside,) = read("folder", tmp_path, **options)
    assert outside.audio is None and "leads out of the folder" in outside.fault


def msc_folder(said, folder):
    columns = "speechid\tspeechpath\tspeaker_id\treview_score\ttranscript\tcategory\tspeaker_gender\tspeaker_age\n"
    (folder / "audio").mkdir()
    (folder / "audio" / "x.webm").write_bytes(said["webm"])
    row = f"0Gbc\taudio/x.webm\t6FzG\t30\t{said['text']}\tproverb\tdefault\tdefault\n"
    (folder / "metadata.tsv").write_text(columns + row, encoding="utf-8")
    (folder / "unreviewed.tsv").write_text(columns + row.replace("0Gbc", "1Abc"), encoding="utf-8")


def test_msc_reads_opus_and_marks_what_nobody_reviewed(said, tmp_path):
    msc_folder(said, tmp_path)
    (utterance,) = read("msc", tmp_path)
    assert (utterance.id, utterance.speaker, utterance.age_group) == ("msc-0Gbc", "msc-6FzG", "")
    assert_speaks(utterance, said["seconds"])
    both = read("msc", tmp_path, include_unreviewed=True)
    assert [(u.id, u.reviewed) for u in both] == [("msc-0Gbc", True), ("msc-1Abc", False)]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the Malayalam Speech Corpus is not at ../shared/corpora")
def test_msc_as_it_is_has_all_its_clips():
    utterances = read("msc", CORPUS)
    assert len(utterances) == len({u.id for u in utterances}) == 1431 + 114
    assert all(u.audio is not None and u.text for u in utterances)
    assert CORPORA["msc"].count(CORPUS) == 1545


def test_news_corpora_are_known_and_refused():
    for name in ("shrutilipi", "Shrutilipi", "newsonair"):
        with pytest.raises(CorpusError, match="news"):
            get_corpus(name)
    with pytest.raises(CorpusError, match="no such corpus; choose one of msc"):
        get_corpus("nothing")


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_a_missing_or_empty_folder_is_one_sentence(name, tmp_path):
    for folder in (tmp_path / "gone", tmp_path):
        with pytest.raises(CorpusError) as caught:
            read(name, folder, language="ml", licence="CC0-1.0")
        assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_that_is_not_utf8_or_lacks_a_column_is_named(said, tmp_path):
    msc_folder(said, tmp_path)
    (tmp_path / "metadata.tsv").write_bytes(b"speechid\tspeechpath\tspeaker_id\ttranscript\n\xff\xfe\tx\ty\tz\n")
    with pytest.raises(CorpusError, match=r"metadata\.tsv: the table is not UTF-8 text"):
        read("msc", tmp_path)
    (tmp_path / "metadata.tsv").write_text("speechid\tspeaker_id\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"metadata\.tsv: the table has no column 'speechpath'"):
        read("msc", tmp_path)


def test_every_utterance_can_travel_to_another_process(said, tmp_path):
    import pickle

    msc_folder(said, tmp_path)
    (utterance,) = read("msc", tmp_path)
    assert pickle.loads(pickle.dumps(utterance)) == utterance
    assert dataclasses.is_dataclass(utterance)
