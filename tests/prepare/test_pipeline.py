"""The whole of preparation on a small corpus: layout, splits, late gates, resuming after a kill, faults."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from swaram.audio.resample import resample
from swaram.languages import get_language
from swaram.prepare import PrepareSettings
from swaram.prepare.database import PrepareError
from swaram.prepare.pipeline import prepare_corpus
from swaram.prepare.split import split_of, text_key
from swaram.text.symbols import SymbolTable
from tests.prepare.fixtures import good_clips
from tests.recorded_speech import file_bytes, spoken_clips

HALVES = PrepareSettings(split={"validation": 0.2, "test": 0.3})


def lines(path):
    return [line.split("|") for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_layout_that_training_reads(corpus, utterances, tmp_path):
    out = tmp_path / "data"
    report = prepare_corpus(utterances(corpus()), out, HALVES, workers=2)
    whole = lines(out / "metadata.csv")
    assert len(whole) == report["kept"][0]["clips"] >= 8
    parts = {name: lines(out / f"{name}_metadata.csv") for name in ("train", "val", "test")}
    assert sorted(line for part in parts.values() for line in part) == sorted(whole)
    table = SymbolTable.for_languages("ml")
    manifest = {row["path"]: row for row in pq.read_table(out / "manifest.parquet").to_pylist()}
    assert set(manifest) == {path for path, _text in whole}
    for name, rows in parts.items():
        for path, text in rows:
            info = soundfile.info(out / path)
            assert (info.format, info.subtype, info.samplerate, info.channels) == ("FLAC", "PCM_16", 16_000, 1)
            assert set(text) <= set(table.symbols)
            row = manifest[path]
            assert row["split"] == name and row["transcript"] == text
            assert row["duration"] == pytest.approx(info.duration)
            assert (row["language"], row["speaker"], row["licence"]) == ("ml", "lj-reader", "CC0-1.0")
            assert row["raw_transcript"] and row["source"] and row["attribution"]
            assert (out / "transcripts" / f"{row['id']}.txt").read_text(encoding="utf-8") == text + "\n"
    with (out / "meta" / "meta_speaker_stats.csv").open(encoding="utf-8") as file:
        (stats,) = csv.DictReader(file)
    assert stats["speaker_id"] == "lj-reader"
    assert float(stats["duration"]) == pytest.approx(sum(row["duration"] for row in manifest.values()), abs=0.01)
    assert (stats["primary_language"], get_language("ml").code) == ("ml", "ml")


def test_every_clip_read_is_kept_or_counted(corpus, utterances, tmp_path):
    clips = [
        *good_clips(),
        ("gone", "നല്ല ദിവസം", None),
        ("bad", "നല്ല ദിവസം", b"RIFF"),
        ("latin", "hello", good_bytes(0)),
    ]
    report = prepare_corpus(utterances(corpus(clips)), tmp_path / "data", PrepareSettings(), workers=1)
    dropped = {row["name"]: row["clips"] for row in report["dropped"]}
    assert dropped["decode: audio file missing"] == dropped["decode: unreadable audio"] == 1
    assert dropped["script: other letters"] == 1
    assert report["kept"][0]["clips"] + sum(dropped.values()) == report["read"][0]["clips"] == len(clips)
    last = report["funnel"][-1]
    assert last["clips_in"] - last["clips_dropped"] == report["kept"][0]["clips"]
    assert json.loads((tmp_path / "data" / "report.json").read_text(encoding="utf-8"))["funnel"] == report["funnel"]


def good_bytes(number):
    clip = spoken_clips()[number]
    return file_bytes(resample(clip.audio, clip.rate, 16_000), 16_000)


def test_duplicates_of_every_kind_are_counted(corpus, utterances, tmp_path):
    from swaram.audio.files import read_audio

    first = next(iter(good_clips()))
    audio = read_audio(first[2]).audio
    coded = read_audio(file_bytes(resample(audio, 16_000, 48_000), 48_000, "mp3"))
    coded = resample(coded.audio, coded.sample_rate, 16_000)
    clips = [*good_clips(), ("same", first[1], first[2]), ("coded", first[1], file_bytes(coded, 16_000))]
    folder = corpus(clips)
    twice = [*utterances(folder), *list(utterances(folder))[:1]]
    report = prepare_corpus(twice, tmp_path / "data", PrepareSettings(), workers=1)
    dropped = {row["name"]: row["clips"] for row in report["dropped"]}
    assert dropped["duplicates: same audio"] == 1
    assert dropped["duplicates: same recording, encoded again"] == 1
    assert dropped["duplicates: same id"] == 1
    kept = {path.stem for path in (tmp_path / "data" / "audio_files").iterdir()}
    assert "lj-s00" in kept and not kept & {"lj-same", "lj-coded"}


def test_a_speaker_reads_the_same_text_twice_but_not_thrice(corpus, utterances, tmp_path):
    text = spoken_clips()[3].text
    clips = [(f"c{n}", text, good_bytes(n)) for n in range(3, 7)]
    wide = {"min_characters_per_second": 1, "max_characters_per_second": 99}
    settings = PrepareSettings(transcript=wide)
    report = prepare_corpus(utterances(corpus(clips)), tmp_path / "data", settings, workers=1)
    assert report["kept"][0]["clips"] == 2
    assert report["dropped"][0]["name"] == "duplicates: same text by the same speaker"


def test_odd_speaking_rates_are_left_out_by_language(tmp_path):
    from swaram.prepare.database import Database
    from swaram.prepare.gates.collection import judge_collection

    database = Database(tmp_path / "j.sqlite", "{}")
    rates = [12 + 0.1 * (n % 20) for n in range(60)] + [24.5, 4.2]
    for position, rate in enumerate(rates):
        database.execute(
            "insert into clips (id, position, run, reason, late_reason, language, speaker, text_key, rate, audio_sha, "
            "duration, likeness, split, row) values (?,?,?,'','','ml','s',?,?,?,?,?,'train','{}')",
            (str(position), position, database.run, str(position), rate, str(position), 2.0, "0" * 32),
        )
    judge_collection(database, PrepareSettings())
    found = dict(database.execute("select id, late_reason from clips where late_reason != ''").fetchall())
    assert set(found) == {"60", "61"}
    assert "many" in found["60"] and "few" in found["61"]


def test_texts_that_read_the_same_have_one_key():
    same = ("അവൻ വന്നു.", "അവന്‍  വന്നു", "“അവൻ വന്നു!”", "അവൻ\u200c വന്നു")
    assert len({text_key(text) for text in same}) == 1
    assert text_key("അവൾ വന്നു.") != text_key(same[0])


def test_splits_keep_texts_apart_and_never_move():
    texts = [f"വാക്യം {n}" for n in range(4000)]
    settings = PrepareSettings().split
    before = {text: split_of(text, "a", settings) for text in texts}
    assert all(split_of(text + "!", "another speaker", settings) == before[text] for text in texts)
    shares = {name: list(before.values()).count(name) / 4000 for name in ("train", "val", "test")}
    assert shares["test"] == pytest.approx(0.05, abs=0.012)
    assert shares["val"] == pytest.approx(0.03, abs=0.01)
    by_speaker = settings.model_copy(update={"mode": "speaker"})
    assert len({split_of(text, "s7", by_speaker) for text in texts}) == 1


def test_adding_clips_moves_no_clip_between_splits(corpus, utterances, tmp_path):
    clips = list(good_clips())
    prepare_corpus(utterances(corpus(clips[:6])), tmp_path / "data", HALVES, workers=1)
    few = {row["id"]: row["split"] for row in pq.read_table(tmp_path / "data" / "manifest.parquet").to_pylist()}
    prepare_corpus(utterances(corpus(clips[::-1], name="more")), tmp_path / "data", HALVES, workers=1)
    all_rows = {row["id"]: row["split"] for row in pq.read_table(tmp_path / "data" / "manifest.parquet").to_pylist()}
    assert len(all_rows) > len(few)
    assert {id: all_rows[id] for id in few} == few


def test_split_by_speaker_keeps_speakers_and_texts_apart(corpus, utterances, tmp_path):
    from dataclasses import replace

    spoken = list(utterances(corpus()))
    people = [replace(u, id=f"{u.id}-{n}", speaker=f"lj-p{n}") for n, u in enumerate(spoken * 2)]
    settings = PrepareSettings(
        split={"mode": "speaker", "validation": 0.3, "test": 0.3}, collection={"readings_per_speaker": 9}
    )
    # Equal audio would be left out as a duplicate, so the second half is a little quieter at the edges.
    for n in range(10, 20):
        audio, rate = soundfile.read(people[n].audio, dtype="float32")
        path = tmp_path / f"{n}.wav"
        path.write_bytes(file_bytes(np.roll(audio, -800), rate))
        people[n] = replace(people[n], audio=path)
    report = prepare_corpus(people, tmp_path / "data", settings, workers=2)
    rows = pq.read_table(tmp_path / "data" / "manifest.parquet").to_pylist()
    for column in ("speaker", "text_key"):
        places = {}
        for row in rows:
            places.setdefault(row[column], set()).add(row["split"])
        assert all(len(found) == 1 for found in places.values())
    assert len({row["split"] for row in rows}) >= 2
    assert sum(row["clips"] for row in report["dropped"]) + len(rows) == 20


def test_running_again_changes_nothing_and_judges_nothing(corpus, utterances, tree, tmp_path):
    folder = corpus()
    prepare_corpus(utterances(folder), tmp_path / "data", HALVES, workers=1)
    before, seconds = tree(tmp_path / "data"), []
    prepare_corpus(utterances(folder), tmp_path / "data", HALVES, 1, progress=lambda clips, done: seconds.append(done))
    assert tree(tmp_path / "data") == before
    assert sum(seconds) == 0


def test_a_clip_whose_file_changed_is_judged_again(corpus, utterances, tmp_path):
    folder = corpus()
    prepare_corpus(utterances(folder), tmp_path / "data", PrepareSettings(), workers=1)
    (folder / "wavs" / "s01.wav").write_bytes(b"now broken")
    (tmp_path / "data" / "audio_files" / "lj-s02.flac").unlink()
    report = prepare_corpus(utterances(folder), tmp_path / "data", PrepareSettings(), workers=1)
    assert {row["name"] for row in report["dropped"]} >= {"decode: unreadable audio"}
    names = {path.name for path in (tmp_path / "data" / "audio_files").iterdir()}
    assert "lj-s01.flac" not in names and "lj-s02.flac" in names


def test_changed_settings_or_a_changed_front_end_judge_everything_again(corpus, utterances, tmp_path, monkeypatch):
    from swaram.prepare import pipeline

    folder, seconds = corpus(list(good_clips())[:2]), []

    def prepare(settings=HALVES):
        seconds.clear()
        prepare_corpus(utterances(folder), tmp_path / "data", settings, 1, progress=lambda _clips, s: seconds.append(s))
        return sum(seconds) > 0

    assert prepare() and not prepare()
    assert prepare(PrepareSettings(audio={"loudness": -20.0}))
    monkeypatch.setattr(pipeline, "front_end_digest", lambda: "another")
    assert prepare(PrepareSettings(audio={"loudness": -20.0}))


PROGRAM = """
import sys
from pathlib import Path
from swaram.corpora import ReadOptions, get_corpus
from swaram.prepare import PrepareSettings
from swaram.prepare.pipeline import prepare_corpus
if __name__ == "__main__":
    spoken = get_corpus("ljspeech").read(Path(sys.argv[1]), ReadOptions(language="ml", licence="CC0-1.0"))
    prepare_corpus(spoken, Path(sys.argv[2]), PrepareSettings(), workers=2)
"""


def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_bytes(corpus, utterances, tree, tmp_path):
    clips = [(f"{key}x{n}", text, louder(content, n)) for n in range(3) for key, text, content in good_clips()]
    folder = corpus(clips)
    prepare_corpus(utterances(folder), tmp_path / "whole", PrepareSettings(), workers=2)
    (tmp_path / "run.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "run.py"), str(folder), str(tmp_path / "killed")]
    kills = 0
    for files in (1, 9, 10_000):
        run = subprocess.Popen(command, start_new_session=True)
        deadline = time.monotonic() + 60
        while run.poll() is None and time.monotonic() < deadline:
            audio = tmp_path / "killed" / "audio_files"
            if audio.is_dir() and len(list(audio.glob("*.flac"))) >= files:
                os.killpg(run.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        run.wait(timeout=60)
    assert kills >= 2
    assert run.returncode == 0
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")
    assert not [path for path in (tmp_path / "killed").rglob("*.partial")]


def louder(content, step):
    """Another recording of the same sentence, near enough: one with its beginning cut and another loudness."""
    import io

    audio, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    return file_bytes((audio[step * 700 :] * (1 - 0.1 * step)).astype(np.float32), rate)


@pytest.mark.parametrize("place", ["a worker's clip", "a table"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(corpus, tmp_path, place):
    """The operating system refuses files beyond a size: a clip is larger than 8 kB, then a table than 2 kB more."""
    (tmp_path / "run.py").write_text(LIMITED, encoding="utf-8")
    clips = list(good_clips())[:3] if place != "a table" else [(f"n{i}", "x" * 100, None) for i in range(400)]
    out = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, str(tmp_path / "run.py"), str(corpus(clips)), str(out), "8000" if len(clips) == 3 else "4000"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "free some space" in done.stdout and len(done.stdout.strip().splitlines()) == 1
    assert not (out / "manifest.parquet").exists() and not (out / "report.json").exists()
    assert not list(out.rglob("*.partial"))


LIMITED = """
import resource
import sys
from pathlib import Path
from swaram.corpora import ReadOptions, get_corpus
from swaram.prepare import PrepareSettings
from swaram.prepare.database import Database, PrepareError
from swaram.prepare.pipeline import prepare_corpus

opened = Database.__init__

def opened_then_limited(self, *facts):
    opened(self, *facts)  # the database needs room of its own, so the limit comes after it
    self.execute("pragma journal_mode=memory")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))

if __name__ == "__main__":
    Database.__init__ = opened_then_limited
    spoken = get_corpus("ljspeech").read(Path(sys.argv[1]), ReadOptions(language="ml", licence="CC0-1.0"))
    try:
        prepare_corpus(spoken, Path(sys.argv[2]), PrepareSettings(), workers=1)
    except PrepareError as error:
        print(error)
        sys.exit(3)
"""


def test_a_clip_that_breaks_a_gate_is_counted_by_its_fault(corpus, utterances, tmp_path, monkeypatch):
    from swaram.prepare import workers as crew

    def broken(utterance):
        raise IndexError("a defect nobody has met yet")

    monkeypatch.setattr(crew, "_maker", broken, raising=False)
    monkeypatch.setattr(crew, "_out", None)
    outcome = crew._work(next(iter(utterances(corpus()))))
    assert outcome.reason == "read: unexpected fault (IndexError)"


def test_a_folder_of_somebodys_own_recordings_is_not_touched(corpus, utterances, tmp_path):
    (tmp_path / "data" / "audio_files").mkdir(parents=True)
    (tmp_path / "data" / "audio_files" / "mine.wav").write_bytes(b"precious")
    with pytest.raises(PrepareError, match="preparation did not write it"):
        prepare_corpus(utterances(corpus()), tmp_path / "data", PrepareSettings(), workers=1)
    assert (tmp_path / "data" / "audio_files" / "mine.wav").read_bytes() == b"precious"


def test_two_corpora_do_not_mix_in_one_folder(corpus, utterances, tmp_path):
    folder = corpus()
    prepare_corpus(utterances(folder), tmp_path / "data", PrepareSettings(), 1, "ljspeech")
    with pytest.raises(PrepareError, match="holds ljspeech already; choose another --out for msc"):
        prepare_corpus(utterances(folder), tmp_path / "data", PrepareSettings(), 1, "msc")


def test_a_journal_of_another_version_is_made_anew(corpus, utterances, tmp_path):
    import sqlite3

    (tmp_path / "data" / ".prepare").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "data" / ".prepare" / "journal.sqlite") as old:
        old.execute("create table clips (id text primary key, run integer)")
        old.execute("insert into clips values ('lj-s00', 3)")
    report = prepare_corpus(utterances(corpus(list(good_clips())[:2])), tmp_path / "data", PrepareSettings(), workers=1)
    assert report["read"][0]["clips"] == 2


def test_an_unreadable_journal_is_one_sentence(corpus, utterances, tmp_path):
    (tmp_path / "data" / ".prepare").mkdir(parents=True)
    (tmp_path / "data" / ".prepare" / "journal.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(PrepareError, match="the record of what is done cannot be used"):
        prepare_corpus(utterances(corpus()), tmp_path / "data", PrepareSettings(), workers=1)


def test_nothing_kept_still_writes_everything(corpus, utterances, tmp_path):
    with pytest.raises(PrepareError, match=r"none of 1 clips was kept; most often: .*missing \(1 clips, the first at"):
        prepare_corpus(utterances(corpus([("a", "അ", None)])), tmp_path / "data", PrepareSettings(), workers=1)
    assert json.loads((tmp_path / "data" / "report.json").read_text(encoding="utf-8"))["kept"] == []
    assert (tmp_path / "data" / "train_metadata.csv").read_bytes() == b""
    assert pq.read_table(tmp_path / "data" / "manifest.parquet").num_rows == 0


def test_the_ledger_names_licence_and_makers(corpus, utterances, tmp_path):
    prepare_corpus(utterances(corpus()), tmp_path / "data", PrepareSettings(), workers=1)
    licences = (tmp_path / "data" / "LICENSES").read_text(encoding="utf-8")
    assert "CC0-1.0" in licences and "clips" in licences
    assert "licence as stated by the person" in (tmp_path / "data" / "ATTRIBUTION").read_text(encoding="utf-8")


@pytest.mark.parametrize("rate,container", [(22_050, "wav"), (48_000, "flac")])
def test_other_rates_and_wav(corpus, utterances, tmp_path, rate, container):
    settings = PrepareSettings(audio={"sample_rate": rate, "format": container})
    prepare_corpus(utterances(corpus(list(good_clips())[:2])), tmp_path / "data", settings, workers=1)
    paths = list((tmp_path / "data" / "audio_files").iterdir())
    assert len(paths) == 2
    for path in paths:
        info = soundfile.info(path)
        assert (info.samplerate, info.format, info.subtype) == (rate, container.upper(), "PCM_16")


def digests(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_row_is_kept_or_counted_and_the_corpus_is_as_it_was(corpus, utterances, tmp_path):
    """Awkward rows of every kind at once: nothing is lost, and no byte of the user's is changed."""
    clips = list(good_clips())[:4]
    folder = corpus(clips)
    (folder / "wavs" / "deep").mkdir()
    (folder / "wavs" / "s00.wav").rename(folder / "wavs" / "deep" / "S00.WAV")
    name, text, _ = clips[1]
    rows = [
        f"deep\\s00|{clips[0][1]}",
        f"wavs/{name}.wav|{text.replace(' ', ' | ', 1)}",
        f"./{clips[2][0]}|{clips[2][1].replace(' ', chr(0x2028), 1)}",
        f"{clips[3][0]}|{clips[3][1]}",
        "no bar at all",
        "missing|ഒന്നുമില്ല",
        "../outside|ഒന്നുമില്ല",
        "s03.wav|",
        f"{clips[3][0]}.wav|{clips[3][1]}",
    ]
    (folder / "metadata.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())
    before, out = digests(folder), tmp_path / "data"
    report = prepare_corpus(utterances(folder), out, PrepareSettings(), workers=1, source=folder)
    counted = sum(row["clips"] for part in ("kept", "dropped") for row in report[part])
    assert counted == report["read"][0]["clips"] == len(rows)
    assert report["kept"][0]["clips"] == 4 and digests(folder) == before
    texts = (out / "metadata.csv").read_text(encoding="utf-8")
    assert all(word in texts for word in text.strip(".").split())


@pytest.mark.parametrize("name", ["metadata.csv", "audio_files/a.wav", "LICENSES", "report.html", "val_metadata.csv"])
def test_a_file_that_preparation_did_not_write_is_never_written_over(corpus, utterances, tmp_path, name):
    own = tmp_path / "data" / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(PrepareError, match="preparation did not write it"):
        prepare_corpus(utterances(corpus()), tmp_path / "data", PrepareSettings(), workers=1)
    assert digests(tmp_path / "data") == {own.relative_to(tmp_path / "data"): b"mine"}


def test_the_corpus_itself_is_no_place_for_what_is_prepared(corpus, utterances, tmp_path):
    folder = corpus()
    (tmp_path / "link").symlink_to(folder)
    before = digests(folder)
    for out in (folder, tmp_path / "link", folder / "wavs" / ".."):
        with pytest.raises(PrepareError, match="is the corpus itself"):
            prepare_corpus(utterances(folder), out, PrepareSettings(), workers=1, source=folder)
    assert digests(folder) == before


def test_a_table_that_was_changed_by_hand_is_left_alone(corpus, utterances, tmp_path):
    folder, out = corpus(), tmp_path / "data"
    prepare_corpus(utterances(folder), out, PrepareSettings(), workers=1, source=folder)
    prepare_corpus(utterances(folder), out, PrepareSettings(), workers=1, source=folder)
    (out / "train_metadata.csv").write_text("mine|mine\n")
    (out / "audio_files" / "mine.flac").write_bytes(b"mine")
    with pytest.raises(PrepareError, match="was changed since preparation wrote it"):
        prepare_corpus(utterances(folder), out, PrepareSettings(), workers=1, source=folder)
    assert (out / "train_metadata.csv").read_text() == "mine|mine\n" and (out / "audio_files" / "mine.flac").exists()
