"""Networks heard as one: trained beside each other, exported together, and a blank that loses what validation asks."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from swaram.recognition import Recognizer, RecognizerError
from swaram.recognition.checkpoints import load_network
from swaram.recognition.decoding import BLANK
from swaram.recognition.ensemble import PENALTIES, Panel, best_penalty
from swaram.recognition.export import Papers, export_recognizer, round_to_bytes
from swaram.recognition.features import spectra
from swaram.recognition.network import Network, listen
from swaram.recognition.training import Trainer
from tests.recognition.toy import BY_HEART, TINY


@pytest.fixture
def state(learnt):
    return learnt.folder / "newest"


def test_a_panel_says_the_mean_of_its_networks_and_less_of_the_blank():
    torch.manual_seed(0)
    networks = [Network(TINY, 80, 7).eval() for _ in range(2)]
    mel = torch.randn(2, 30 * TINY.stride, 80)
    with torch.no_grad():
        expected = (networks[0](mel) + networks[1](mel)) / 2
        expected[..., BLANK] -= 0.75
        found = Panel(networks, penalty=0.75)(mel)
    torch.testing.assert_close(found, expected.log_softmax(-1))
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 30))


def test_networks_of_another_rate_or_with_other_units_are_no_panel():
    one = Network(TINY, 80, 7)
    for other in (Network(TINY, 80, 8), Network(TINY.model_copy(update={"stride": 2}), 80, 7)):
        with pytest.raises(RecognizerError, match="cannot be one recogniser"):
            Panel([one, other])


def test_a_blank_that_is_too_likely_is_lowered_and_a_right_one_left(state, selection):
    network, features, units, _ = load_network(state)
    right, rates = best_penalty(Panel([network]).eval(), features, units, selection.train)
    assert rates[right] == min(rates.values()) and tuple(rates) == PENALTIES
    for _ in range(40):  # nat by nat, until it is silent where it should speak
        with torch.no_grad():
            network.leave.bias[BLANK] += 1.0
        mended, worse = best_penalty(Panel([network]).eval(), features, units, selection.train)
        if worse[0.0] > rates[right]:
            break
    assert mended > 0 and worse[mended] < worse[0.0]


def test_the_penalty_is_in_the_exported_network_for_all_that_follows(state, selection, tmp_path):
    for name, penalty in (("plain", 0.0), ("lowered", 1.25)):
        export_recognizer(state, tmp_path / name, Papers(name), penalty=penalty)
    plain, lowered = (Recognizer.load(tmp_path / name) for name in ("plain", "lowered"))
    assert (plain.manifest.training["blank_penalty"], lowered.manifest.training["blank_penalty"]) == (0.0, 1.25)
    audio = selection.train[0].audio(16_000)
    before, after = (r.log_probabilities(audio, 16_000) for r in (plain, lowered))
    expected = before - 1.25 * (np.arange(before.shape[1]) == BLANK)
    expected -= np.log(np.exp(expected).sum(1, keepdims=True))
    likely = expected > np.log(1e-3)
    assert np.abs(after - expected)[likely].max() < 1e-3


def test_validation_clips_choose_the_penalty_at_export(state, selection, tmp_path):
    silent = shutil.copytree(state, tmp_path / "silent")
    weights = load_file(silent / "average.safetensors")
    for _ in range(40):
        weights["leave.bias"][BLANK] += 1.0
        save_file(weights, silent / "average.safetensors")
        panel = Panel([load_network(silent)[0]]).eval()
        round_to_bytes(panel)
        chosen, _ = best_penalty(panel, *load_network(silent)[1:3], selection.train)
        if chosen:
            break
    export_recognizer(silent, tmp_path / "ml", Papers("ml"), validation=selection.train, penalty=0.1)
    assert Recognizer.load(tmp_path / "ml").manifest.training["blank_penalty"] == chosen > 0


def test_two_trainings_become_one_recogniser(state, selection, tmp_path):
    other = Trainer(selection, "ml", tmp_path, replace(BY_HEART, seed=2), TINY)
    other.save("newest")
    export_recognizer([state, tmp_path / "newest"], tmp_path / "both", Papers("both"))
    both = Recognizer.load(tmp_path / "both")
    facts = both.manifest.training
    assert facts["networks"] == 2 and facts["steps"] == BY_HEART.max_steps
    assert facts["parameters"] == 2 * sum(p.numel() for p in other.network.parameters())
    audio = selection.train[0].audio(16_000)
    mel = spectra(audio, both.features)
    panel = Panel([load_network(place)[0] for place in (state, tmp_path / "newest")]).eval()
    expected = listen(panel, mel, panel.stride).exp().numpy()
    assert np.abs(np.exp(both.log_probabilities(audio, 16_000)) - expected).max() < 0.03


def test_states_of_other_texts_are_not_exported_together(state, tmp_path):
    other = shutil.copytree(state, tmp_path / "other")
    text = (other / "state.json").read_text(encoding="utf-8")
    (other / "state.json").write_text(text.replace('"level": -18.0', '"level": -20.0'), encoding="utf-8")
    with pytest.raises(RecognizerError, match="trained on other texts"):
        export_recognizer([state, other], tmp_path / "both", Papers("both"))


def test_a_network_trained_beside_another_says_the_same_at_the_same_moments(learnt, state, selection, tmp_path):
    trainer = Trainer(selection, "ml", tmp_path, replace(BY_HEART, seed=2), TINY)
    rows = trainer.rows.epoch(0)[0]
    batch = trainer.rows.batch(rows, 0, augment=False)
    start = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.stay_beside(state)
    apart = {}
    for weight in (0.0, 1.0):
        trainer.network.load_state_dict(start)
        trainer.plan = replace(trainer.plan, beside=weight)
        trainer._restart()
        for trainer.step in range(60):
            trainer._learn(batch)
        with torch.no_grad():
            mel = torch.from_numpy(batch.mel)
            said, heard = learnt.average.module(mel), trainer.network.eval()(mel)
            apart[weight] = float(F.kl_div(heard, said, reduction="sum", log_target=True))
    assert apart[1.0] < 0.7 * apart[0.0]


def test_only_a_training_of_the_same_texts_and_rate_has_a_place_beside(learnt, state, selection, tmp_path):
    trainer = Trainer(selection, "ml", tmp_path, BY_HEART, TINY.model_copy(update={"stride": 2}))
    with pytest.raises(RecognizerError, match="speaks up every 3 frames, not 2"):
        trainer.stay_beside(state)
    trainer.features = replace(trainer.features, level=-20.0)
    with pytest.raises(RecognizerError, match="trained on other texts"):
        trainer.stay_beside(state)


def test_a_clip_of_any_length_is_listened_to(learnt, selection):
    mel = spectra(selection.train[0].audio(16_000), learnt.features)
    network, stride = learnt.average.module, TINY.stride
    for length in (1, stride, stride + 1, 50):
        assert listen(network, mel[:length], stride).shape == (-(-length // stride), len(learnt.units))
    with torch.no_grad():
        whole = network(torch.from_numpy(mel[: 20 * stride])[None])[0]
    torch.testing.assert_close(listen(network, mel[: 20 * stride], stride), whole)
