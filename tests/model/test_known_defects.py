"""Defects that other VITS systems have had in their models; docs/training.md lists which test catches which."""

import warnings

import pytest
import torch

from swaram.model.discriminators import Discriminators
from swaram.model.durations import StochasticDurationPredictor
from swaram.model.flow import Flow
from swaram.model.posterior import PosteriorEncoder
from swaram.model.spectra import Spectra
from swaram.model.splines import rational_quadratic_spline
from swaram.model.vits import Vits, cut
from tests.model.tiny import DECODERS, batch, stir, tiny


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", DECODERS)
def test_weight_norm_is_the_kind_that_pytorch_keeps_with_one_naming_of_tensors(name):
    """Defect 18 of all forks: ``torch.nn.utils.weight_norm`` is deprecated; its successor names tensors otherwise."""
    config = tiny(decoder=DECODERS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Vits(config.model, config.data, 30, 2)
        judges = Discriminators(config.model.discriminator)
    names = [*model.state_dict(), *judges.state_dict()]
    assert not [name for name in names if name.endswith(("weight_g", "weight_v"))]
    normed = [name for name in names if name.endswith("parametrizations.weight.original0")]
    assert normed and all(name.replace("original0", "original1") in names for name in normed)


def test_spectra_run_without_a_warning_on_the_pytorch_of_today():
    """Complaint: ``torch.stft`` without ``return_complex`` and mel filters by position stopped old code."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mel = Spectra(16000, 1024, 256, 1024, 80)(torch.randn(2, 4096) * 0.1)
    assert mel.shape == (2, 80, 16) and torch.isfinite(mel).all()


def test_spectra_are_float32_whatever_the_rest_computes_in():
    """Complaint: spectra and mel in half precision gave infinite losses."""
    spectra, audio = Spectra(16000, 1024, 256, 1024, 80), torch.randn(1, 8192) * 0.3
    with torch.autocast("cpu", torch.bfloat16):
        mel = spectra(audio.bfloat16())
        again = spectra(audio)
    assert mel.dtype == again.dtype == torch.float32
    assert torch.equal(again, spectra(audio))


def test_silence_has_a_finite_spectrum_and_gradient():
    """Complaint: digital silence, whose magnitude is 0, made the gradient of its root infinite."""
    audio = torch.zeros(1, 8192, requires_grad=True)
    mel = Spectra(16000, 1024, 256, 1024, 80)(audio)
    mel.sum().backward()
    assert torch.isfinite(mel).all() and torch.isfinite(audio.grad).all()


@pytest.mark.parametrize("predictor", ["stochastic", "plain"])
def test_under_bfloat16_prior_posterior_and_durations_stay_float32_and_near_to_float32(predictor):
    """Complaint: divergence and spline in half precision became NaN, infinite or negative after thousands of steps."""
    config = tiny(duration_predictor=predictor)
    model = Vits(config.model, config.data, 30, 2).eval()
    stir(model, 0.1)
    durations = torch.tensor([[4] * 7 + [3] * 4, [3] * 6 + [5] * 3 + [0, 0], [5] * 4 + [0] * 7])
    results = []
    for enabled in (False, True):
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            results.append(model(batch(2, durations=durations), 16)[0])
    full, half = results
    for name in ("z_p", "log_deviation_q", "mean_p", "log_deviation_p", "duration_loss"):
        value = getattr(half, name)
        assert value.dtype == torch.float32 and torch.isfinite(value).all(), name
        assert torch.allclose(value, getattr(full, name), rtol=0.1, atol=0.1), name


def test_the_spline_meets_the_farthest_values_without_asserting():
    """Complaint: assertions in the spline stopped exports and trainings; values outside must go through unchanged."""
    x = torch.tensor([-1e6, -5.0, -4.9999995, 0.0, 4.9999995, 5.0, 1e6])
    table = [torch.full((7, n), 30.0) * torch.randn(7, n).sign() for n in (10, 10, 9)]
    for reverse in (False, True):
        y, log_derivative = rational_quadratic_spline(x, *table, bound=5.0, reverse=reverse)
        assert torch.isfinite(y).all() and torch.isfinite(log_derivative).all()
        assert y[0] == -1e6 and y[-1] == 1e6 and y[1:-1].abs().max() <= 5.0001


def test_durations_of_a_single_frame_have_a_finite_likelihood_and_gradient():
    """Complaint: the logarithm of a duration minus its dequantisation noise, which may be 1 minus 1, was infinite."""
    predictor = StochasticDurationPredictor(8, 16, 3, 0.0)
    x, mask = torch.randn(2, 8, 40), torch.ones(2, 1, 40)
    predictor.post_affine.m.data[0] = 30.0  # drives u to 1
    loss = predictor(x, mask, torch.ones(2, 1, 40)).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in predictor.parameters() if p.grad is not None)


@pytest.mark.parametrize("predictor", ["stochastic", "plain"])
@pytest.mark.parametrize("length", [1, 2])
def test_a_text_of_one_symbol_is_spoken(predictor, length):
    """Complaint: single words, or the first of them, were lost or stopped the program."""
    config = tiny(duration_predictor=predictor)
    model = Vits(config.model, config.data, 30, 1).eval()
    symbols, noise = torch.randint(0, 30, (1, length)), torch.randn(1, 2, length)
    arguments = torch.tensor([[0.6, 1.0, 0.8]]), noise, torch.randn(1, 8, 4)
    prior, durations, _ = model.front_end(symbols, torch.tensor([length]), *arguments)
    assert durations.min() >= 1 and prior.shape[2] == durations.sum()
    audio = model.decode(model.reverse_flow(prior, durations.sum(1)))
    assert audio.shape == (1, 256 * int(durations.sum())) and torch.isfinite(audio).all()


def test_padding_changes_nothing_in_the_posterior_and_in_the_flow():
    """Complaint: the same utterance had another loss in another batch, as padding leaked through the convolutions."""
    posterior, flow = PosteriorEncoder(33, 8, 16, 5, 3), Flow(8, 16, 5, 2, 2)
    stir(posterior, 0.2)
    stir(flow, 0.2)
    spectrogram, lengths = torch.rand(1, 33, 20), torch.tensor([20])
    noisy = torch.cat([spectrogram, torch.rand(1, 33, 9)], 2)
    with torch.no_grad():
        _, mean, deviation, mask = posterior(spectrogram, lengths)
        _, long_mean, long_deviation, long_mask = posterior(noisy, lengths)
        moved, long_moved = flow(mean, mask), flow(long_mean, long_mask)
    for short, long in ((mean, long_mean), (deviation, long_deviation), (moved, long_moved)):
        assert torch.allclose(short, long[..., :20], atol=1e-5) and long[..., 20:].abs().max() == 0


def test_noise_moves_the_alignment_at_first_and_leaves_it_lawful():
    """The search of VITS2 with noise: another path than without, and still one frame at least for every symbol."""
    config = tiny()
    model = Vits(config.model, config.data, 30, 1).eval()
    stir(model, 0.1)
    inputs = batch(1)
    lengths, frames = inputs.symbol_lengths, inputs.frame_lengths

    def durations(noise: float) -> torch.Tensor:
        torch.manual_seed(1)
        return model(inputs, 16, alignment_noise=noise)[0].durations

    assert torch.equal(durations(0.0), durations(0.0)) and not torch.equal(durations(0.0), durations(1.0))
    for noise in (0.0, 1.0):
        found = durations(noise)
        assert torch.equal(found.sum(1), frames)
        assert [(row > 0).sum().item() for row in found] == lengths.tolist()


def test_segments_are_cut_where_each_begins():
    """Complaint: clips shorter than a segment, and segments that begin elsewhere than their audio."""
    z = torch.randn(3, 8, 20)
    pieces = cut(z, torch.tensor([0, 4, 7]), 13)
    for item, start in enumerate((0, 4, 7)):
        assert torch.equal(pieces[item], z[item, :, start : start + 13])
