"""The alignment search finds what trying every path finds."""

import itertools
import os
import subprocess
import sys

import pytest
import torch

from swaram.model.alignment import batched_path, expand, maximum_path

SEARCHES = [maximum_path, batched_path]


def best_by_brute_force(score: torch.Tensor, symbols: int, frames: int) -> float:
    best = -float("inf")
    for cuts in itertools.combinations(range(1, frames), symbols - 1):
        edges = [0, *cuts, frames]
        total = sum(float(score[s, edges[s] : edges[s + 1]].sum()) for s in range(symbols))
        best = max(best, total)
    return best


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("seed", range(20))
def test_the_path_is_the_best_of_all_paths(seed, search):
    """Defect of other systems: a search that is wrong, or takes its table transposed, gives infinite divergence."""
    random = torch.Generator().manual_seed(seed)
    symbols = torch.tensor([1, 3, 4, 6])
    frames = torch.tensor([5, 3, 9, 10])
    score = torch.randn(4, 6, 10, generator=random) * 3
    durations = search(score, symbols, frames)
    for item in range(4):
        s, t = int(symbols[item]), int(frames[item])
        assert durations[item, :s].min() >= 1
        assert durations[item].sum() == t
        assert durations[item, s:].sum() == 0
        path = torch.arange(s).repeat_interleave(durations[item, :s])
        found = float(score[item, path, torch.arange(t)].sum())
        assert found == pytest.approx(best_by_brute_force(score[item], s, t), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_both_searches_find_the_same_path_at_the_size_of_utterances(seed):
    random = torch.Generator().manual_seed(seed)
    symbols, frames = torch.tensor([61, 143, 1, 90]), torch.tensor([200, 800, 640, 90])
    score = torch.randn(4, 143, 800, generator=random) * 40 - 150  # as far below 0 as log-likelihoods of a frame lie
    assert torch.equal(maximum_path(score, symbols, frames), batched_path(score, symbols, frames))


@pytest.mark.parametrize("search", SEARCHES)
def test_an_evident_alignment_is_found_whatever_lies_in_the_padding(search):
    durations = torch.tensor([[2, 1, 4, 3], [5, 1, 0, 0]])
    symbols, frames = torch.tensor([4, 2]), torch.tensor([10, 6])
    score = torch.full((2, 4, 10), 1e4)
    for item in range(2):
        score[item, : symbols[item], : frames[item]] = -100.0
        path = torch.arange(4).repeat_interleave(durations[item])
        score[item, path, torch.arange(len(path))] = 0.0
    assert torch.equal(search(score, symbols, frames), durations)


@pytest.mark.parametrize("search", SEARCHES)
def test_the_scores_are_left_as_they_were(search):
    score = torch.randn(2, 3, 7)
    before = score.clone()
    search(score, torch.tensor([3, 2]), torch.tensor([7, 6]))
    assert torch.equal(score, before)


def test_fewer_frames_than_symbols_is_refused():
    with pytest.raises(ValueError, match="fewer frames than symbols"):
        maximum_path(torch.zeros(1, 4, 3), torch.tensor([4]), torch.tensor([3]))


def test_expand_repeats_each_column_by_its_duration():
    x = torch.tensor([[[1.0, 2.0, 3.0]]])
    durations = torch.tensor([[2, 0, 3]])
    assert expand(x, durations, 5).tolist() == [[[1.0, 1.0, 3.0, 3.0, 3.0]]]


def test_the_search_leaves_the_number_of_threads_alone():
    """A loop compiled for several threads set it for the whole process, whose threads then waited for each other."""
    code = (
        "import torch; torch.set_num_threads(1); torch.get_num_threads()\n"
        "from swaram.model.alignment import maximum_path\n"
        "maximum_path(torch.randn(4, 20, 60), torch.full((4,), 20), torch.full((4,), 60))\n"
        "print(torch.get_num_threads())"
    )
    several = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=several)
    assert done.stdout.split() == ["1"], done.stderr
