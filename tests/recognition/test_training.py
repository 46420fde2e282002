"""Training: it learns, it goes on exactly where it was, and it takes in only clips that say their text."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.recognition import RecognizerError
from swaram.recognition.dataset import read_clips, select
from swaram.recognition.error_rates import error_rate
from swaram.recognition.training import Plan, Trainer
from tests.recognition.toy import BY_HEART, TINY, prepared_folder


def test_a_tiny_network_learns_three_sentences_by_heart(learnt):
    rate, costs = learnt.judge(learnt.corpus)
    assert rate < 0.05
    assert max(costs) < 0.5
    lines = [json.loads(line) for line in (learnt.folder / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == BY_HEART.max_steps and lines[-1]["loss"] < 2.5


def test_resuming_gives_the_same_weights_as_never_stopping(selection, tmp_path):
    settings = TINY.model_copy(update={"dropout": 0.2, "drop_path": 0.2})

    def trained(folder, steps, resume=False):
        # The schedule must be the same one, so it is the run's end that moves, not the plan.
        trainer = Trainer(selection, "ml", folder, Plan(minutes=60, max_steps=8, rows=2, row_frames=603), settings)
        if resume:
            trainer.resume()
        while trainer.step < steps:
            for rows in trainer.rows.epoch(trainer.epoch)[trainer.position :]:
                if trainer.step < steps:
                    trainer._learn(trainer.next_batch(rows))
                    trainer.step, trainer.position = trainer.step + 1, trainer.position + 1
            if trainer.step < steps:
                trainer.epoch, trainer.position = trainer.epoch + 1, 0
        trainer.save("newest")
        return trainer.network.state_dict(), trainer.average.module.state_dict()

    whole = trained(tmp_path / "whole", 6)
    trained(tmp_path / "parts", 3)
    parts = trained(tmp_path / "parts", 6, resume=True)
    for expected, found in zip(whole, parts, strict=True):
        assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_warm_start_begins_with_what_another_run_learnt(learnt, selection, tmp_path):
    offered = replace(selection, candidates=[replace(selection.train[0], id="joined before")])
    before = shutil.copytree(learnt.folder / "newest", tmp_path / "before")
    state = json.loads((before / "state.json").read_text())
    (before / "state.json").write_text(json.dumps(state | {"joined": ["joined before"]}))
    plan = replace(BY_HEART, max_steps=20, learning_rate=1e-3, augment_from=0.5)
    trainer = Trainer(offered, "ml", tmp_path, plan, TINY)
    trainer.warm_start(before)
    assert trainer.judge(learnt.corpus) == learnt.judge(learnt.corpus)
    assert trainer.step == 0 and trainer.earlier["step"] == learnt.step
    assert trainer.corpus.clips[-1].id == "joined before" and any(trainer.corpus.cuts.values())
    trainer.run()
    state = json.loads((tmp_path / "newest" / "state.json").read_text())
    assert (state["step"], state["earlier"]["step"]) == (20, learnt.step)
    wider = Trainer(offered, "ml", tmp_path, plan, TINY.model_copy(update={"channels": 32}))
    with pytest.raises(RecognizerError, match="another network"):
        wider.warm_start(before)


def test_a_candidate_joins_only_if_it_says_its_text(learnt, selection, tmp_path):
    honest = replace(selection.train[0], id="honest")
    wrong = replace(selection.train[0], id="wrong", text=selection.train[1].text)
    offered = replace(selection, val=selection.train, candidates=[honest, wrong])
    trainer = Trainer(offered, "ml", tmp_path / "run", BY_HEART, TINY)
    trainer.average.module.load_state_dict(learnt.average.module.state_dict())
    trainer.seconds = 0.3 * 60 * BY_HEART.minutes
    trainer._welcome()
    # Threshold: the dearest of nine in ten validation clips; the honest clip is one of them.
    assert "wrong" not in trainer.joined
    assert {clip.id for clip in trainer.corpus.clips} >= {clip.id for clip in selection.train}


def test_texts_and_small_speakers_of_the_test_split_are_never_trained_on(tmp_path):
    splits = ["train"] * 6 + ["val", "test", "test"]
    speakers = ["many"] * 5 + ["small"] + ["many", "many", "small"]
    folder = prepared_folder(tmp_path / "data", splits, speakers)
    chosen = select(folder, "ml", small_speaker=3)
    assert chosen.held_out == ["small"]
    assert {clip.speaker for clip in chosen.train} == {"many"}
    assert not {clip.text for clip in chosen.train} & {clip.text for clip in chosen.val + chosen.test}
    assert [clip.id for clip in chosen.strangers] == ["clip-5"]


def test_texts_that_are_nearly_a_test_text_are_left_out(data, monkeypatch):
    clips = read_clips(data, "ml")
    twin = replace(clips[0], id="twin", text=clips[4].text[:-1] + "ം", key="other")
    monkeypatch.setattr("swaram.recognition.dataset.read_clips", lambda *_: [*clips, twin])
    chosen = select(data, "ml")
    assert "twin" not in {clip.id for clip in chosen.train}
    assert chosen.dropped["text like one of validation or test"] == 1


def test_a_folder_without_a_manifest_is_one_sentence(tmp_path):
    with pytest.raises(RecognizerError, match=r"manifest\.parquet is missing\); make it with `swaram prepare`"):
        select(tmp_path, "ml")


def test_a_clip_that_says_more_than_its_frames_can_hold_is_given_back(learnt, selection):
    short = replace(selection.train[0], id="short", text=selection.train[0].text * 30)
    assert learnt.judges.add([short], (1.0,)) == [short]


def test_error_rate_is_edits_over_characters():
    assert error_rate(["കട", "അവൻ"], ["കട", "അവ"]) == pytest.approx(1 / 5)


def test_going_on_and_beginning_with_other_weights_exclude_each_other(data, learnt, tmp_path):
    given = ["recognizer", "train", "--data", str(data), "--out", str(tmp_path), "--resume"]
    ended = CliRunner().invoke(app, [*given, "--warm-start", str(learnt.folder)])
    assert ended.exit_code != 0
    assert "name one" in str(ended.exception or ended.output)


def test_a_run_takes_the_sizes_of_the_one_it_begins_with_and_wider_kernels(data, learnt, tmp_path):
    given = ["recognizer", "train", "--data", str(data), "--max-steps", "1", "--warm-start", str(learnt.folder)]
    ended = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "wider"), "--kernels", "7,5"])
    assert ended.exit_code == 0, ended.exception
    state = json.loads((tmp_path / "wider" / "newest" / "state.json").read_text())
    assert state["network"] == TINY.model_copy(update={"kernels": (7, 5)}).model_dump(mode="json")
    for kernels, reason in (("3,3", "another network"), ("7", "another network"), ("7,x", "write --kernels as")):
        refused = CliRunner().invoke(app, [*given, "--out", str(tmp_path / kernels), "--kernels", kernels])
        assert reason in str(refused.exception or refused.output)
