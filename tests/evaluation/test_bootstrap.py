"""Means, ratios and intervals."""

import numpy as np

from swaram.evaluation.bootstrap import Bootstrap, Estimate, Observation, of_scope, share


def observed(side: str, values, speaker: str = "a", copies: int = 1) -> list[Observation]:
    return [
        Observation("cer", side, speaker, f"s{i}", float(value))
        for i, value in enumerate(values)
        for _ in range(copies)
    ]


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        estimate = Bootstrap(observed("natural", random.normal(5, 2, 40)), 400, seed).mean("cer", "natural")
        covered += estimate.low <= 5 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


def test_readings_of_the_same_sentences_add_no_certainty():
    values = np.random.default_rng(1).normal(5, 2, 20)
    once = Bootstrap(observed("natural", values)).mean("cer", "natural")
    often = Bootstrap(observed("natural", values, copies=10)).mean("cer", "natural")
    assert often.count == 200 and often.sentences == 20
    assert np.isclose(often.high - often.low, once.high - once.low)


def test_differences_are_paired_by_sentence():
    natural = np.random.default_rng(2).normal(5, 2, 30)
    bootstrap = Bootstrap(observed("natural", natural) + observed("synthetic", natural + 0.5))
    difference = bootstrap.difference("cer", "synthetic", "natural")
    assert np.isclose(difference.low, 0.5) and np.isclose(difference.high, 0.5)
    mean = bootstrap.mean("cer", "natural")
    assert mean.high - mean.low > 0.5
    ratio = bootstrap.ratio("cer", "synthetic", "natural")
    assert ratio.low < 1.1 < ratio.high < 1.3


def test_the_weights_are_those_of_the_characters():
    observations = [Observation("cer", "natural", "*", "a", 1.0, 10), Observation("cer", "natural", "*", "b", 0.0, 90)]
    assert np.isclose(Bootstrap(observations).mean("cer", "natural").value, 0.1)


def test_equal_seeds_give_equal_intervals_and_nothing_observed_gives_none():
    observations = observed("natural", np.random.default_rng(3).normal(5, 2, 15))
    one, other = (Bootstrap(observations, seed=7).mean("cer", "natural") for _ in range(2))
    assert one == other
    assert Bootstrap(observations).mean("cer", "synthetic") is None
    assert Bootstrap([]).mean("cer", "natural") is None


def test_what_counts_for_anyone_counts_for_every_speaker():
    observations = observed("synthetic", [1, 2], "a") + observed("synthetic", [3], "b") + observed("natural", [4], "*")
    assert len(of_scope(observations, "a")) == 3
    assert len(of_scope(observations, "all")) == 4


def test_eight_texts_without_a_fault_do_not_prove_that_there_is_none():
    none = share(Estimate(0.0, 0.0, 0.0, 8, 8))
    assert none.low == 0 and 0.3 < none.high < 0.35
    half = share(Estimate(0.5, 0.0, 1.0, 40, 10))
    assert half.low < 0.25 and half.high > 0.75


def test_one_sentence_has_no_interval():
    estimate = Bootstrap(observed("natural", [3.0])).mean("cer", "natural")
    assert estimate.value == 3 and estimate.to_dict()["low"] is None
