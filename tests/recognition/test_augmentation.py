"""Cutting between syllables: nothing is lost, nothing invented, and a run that goes on cuts where it cut before."""

from collections import Counter
from dataclasses import replace

import numpy as np

from swaram.recognition.augmentation import cuts_of, shuffled
from swaram.recognition.batches import RowMaker
from swaram.recognition.training import Trainer
from swaram.recognition.units import UnitTable
from tests.recognition.toy import BY_HEART, TINY


def test_cuts_lie_before_consonants_after_vowels_where_it_is_faint():
    table = UnitTable.for_texts("ml", [])
    ids = table.encode("കമല")  # ക അ മ അ ല അ
    scores = np.full((18, len(table)), -9.0)
    scores[np.arange(18), 0] = -0.1
    for place, unit in enumerate(ids):
        scores[3 * place + 1, [0, unit]] = -9.0, -0.1
    mel = np.zeros((54, 4), dtype=np.float32)
    mel[[17, 36]] = -5.0
    assert cuts_of(scores, mel, ids, table) == [(2, 17), (4, 36)]
    assert cuts_of(scores[:4], mel[:12], ids, table) == []


def test_mixed_pieces_hold_every_frame_and_unit_once():
    parts = []
    for clip in range(3):
        frames = np.arange(60, dtype=np.float32)[:, None] + 100 * clip
        parts.append((frames, [2 + clip] * 6, [(2, 20), (3, 30), (5, 50)]))
    frames, units = shuffled(parts, np.random.default_rng(0), share=1.0)
    assert sorted(frames[:, 0].tolist()) == sorted(np.concatenate([part[0] for part in parts])[:, 0].tolist())
    assert Counter(units) == {2: 6, 3: 6, 4: 6}
    assert np.count_nonzero(np.diff(frames[:, 0]) != 1) > 3  # it really is mixed


def test_cuts_are_kept_with_the_run_and_used(selection, learnt, tmp_path):
    plan = replace(BY_HEART, splice_at=0.0, augment_from=0.0)
    trainer = Trainer(selection, "ml", tmp_path, plan, TINY)
    trainer.average.module.load_state_dict(learnt.average.module.state_dict())
    trainer._cut()
    assert sum(map(len, trainer.corpus.cuts.values())) >= 6
    trainer.save("newest")
    again = Trainer(selection, "ml", tmp_path, plan, TINY)
    again.resume()
    assert again.corpus.cuts == trainer.corpus.cuts
    rows = trainer.rows.epoch(0)[0]
    plain = RowMaker(replace(trainer.corpus, cuts={}), plan.row_frames, plan.rows, plan.seed)
    different = [
        not np.array_equal(trainer.rows.batch(rows, step).targets, plain.batch(rows, step).targets) for step in range(8)
    ]
    assert any(different)
    for step in range(8):  # whatever is drawn, the row says the same sounds as its clips
        said = Counter(trainer.rows.batch(rows, step).targets.tolist())
        expected = Counter(unit for row in rows for place in row for unit in trainer.corpus.targets[place.clip])
        assert {unit: n for unit, n in said.items() if unit != 1} == {u: n for u, n in expected.items() if u != 1}
