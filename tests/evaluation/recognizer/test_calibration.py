"""What the blank loses: chosen by speech that training did not hear, and then part of the network."""

import numpy as np
import torch

from swaram.evaluation.recognizer import Recognizer
from swaram.evaluation.recognizer.calibration import PENALTIES, blank_penalty, take_from_blank
from swaram.evaluation.recognizer.decoding import BLANK
from swaram.evaluation.recognizer.export import Papers, export_recognizer
from swaram.evaluation.recognizer.features import spectra
from swaram.evaluation.recognizer.state import load_network


def test_a_blank_that_is_too_likely_is_lowered_and_a_right_one_left(learnt, selection):
    network, features, units, _ = load_network(learnt.folder / "newest")
    right, rates = blank_penalty(network, features, units, selection.train)
    assert rates[right] == min(rates.values()) and tuple(rates) == PENALTIES
    for _ in range(40):  # nat by nat, until it is silent where it should speak
        take_from_blank(network, -1.0)
        mended, worse = blank_penalty(network, features, units, selection.train)
        if worse[0.0] > rates[right]:
            break
    assert mended > 0 and worse[mended] < worse[0.0]


def test_the_penalty_is_in_the_exported_network_for_all_that_follows(learnt, selection, tmp_path):
    for name, penalty in (("plain", 0.0), ("lowered", 1.25)):
        export_recognizer(learnt.folder / "newest", tmp_path / name, Papers(name), penalty=penalty)
    plain, lowered = (Recognizer.load(tmp_path / name) for name in ("plain", "lowered"))
    assert (plain.manifest.training["blank_penalty"], lowered.manifest.training["blank_penalty"]) == (0.0, 1.25)
    audio = selection.train[0].audio(16_000)
    before, after = (r.log_probabilities(audio, 16_000) for r in (plain, lowered))
    expected = before - 1.25 * (np.arange(before.shape[1]) == BLANK)
    expected -= np.log(np.exp(expected).sum(1, keepdims=True))
    likely = expected > np.log(1e-3)
    assert np.abs(after - expected)[likely].max() < 1e-3


def test_validation_clips_choose_the_penalty_at_export(learnt, selection, tmp_path):
    network, features, units, _ = load_network(learnt.folder / "newest")
    state = tmp_path / "state"
    learnt.save("spare")
    (learnt.folder / "spare").rename(state)
    chosen, _ = blank_penalty(network, features, units, selection.train)
    export_recognizer(state, tmp_path / "ml", Papers("ml"), validation=selection.train)
    assert Recognizer.load(tmp_path / "ml").manifest.training["blank_penalty"] == chosen


def test_a_clip_of_any_length_is_listened_to(learnt, selection):
    mel = spectra(selection.train[0].audio(16_000), learnt.features)
    network = learnt.average.module
    stride = network.settings.stride
    for length in (1, stride, stride + 1, 50):
        assert network.listen(mel[:length]).shape == (-(-length // stride), len(learnt.units))
    with torch.no_grad():
        whole = network(torch.from_numpy(mel[: 20 * stride])[None])[0]
    torch.testing.assert_close(network.listen(mel[: 20 * stride]), whole)
