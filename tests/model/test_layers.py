"""Each part of the model does what its equation says."""

import math

import pytest
import torch

from swaram.audio.mel import slaney_filters
from swaram.model.decoders.fourier import InverseSpectrogram
from swaram.model.durations import SUM_WEIGHT, DurationPredictor, StochasticDurationPredictor, whole_frames
from swaram.model.flow import Flow
from swaram.model.spectra import Spectra
from swaram.model.splines import rational_quadratic_spline
from swaram.model.text_encoder import RelativeAttention, TextEncoder
from tests.model.tiny import stirred, text_settings


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_the_flow_undoes_itself():
    flow = stirred(Flow(8, 16, 5, 2, 4, condition=6))
    x, mask, condition = torch.randn(2, 8, 20), torch.ones(2, 1, 20), torch.randn(2, 6, 1)
    mask[1, :, 15:] = 0
    there = flow(x * mask, mask, condition)
    back = flow(there, mask, condition, reverse=True)
    assert (there - x * mask).abs().max() > 0.01
    assert torch.allclose(back, x * mask, atol=1e-5)


def test_the_spline_is_monotonic_has_linear_tails_and_undoes_itself():
    x = torch.linspace(-7, 7, 400)
    widths, heights, slopes = torch.randn(400, 10)[:1], torch.randn(400, 10)[:1], torch.randn(400, 9)[:1]
    table = [t.expand(400, -1) for t in (widths, heights, slopes)]
    y, log_derivative = rational_quadratic_spline(x, *table, bound=5.0)
    assert (y[1:] > y[:-1]).all()
    assert torch.equal(y[x.abs() > 5], x[x.abs() > 5])
    back, log_back = rational_quadratic_spline(y, *table, bound=5.0, reverse=True)
    assert torch.allclose(back, x, atol=1e-4)
    assert torch.allclose(log_back, -log_derivative, atol=1e-3)


def test_the_spline_reports_its_own_derivative():
    x = torch.linspace(-4.9, 4.9, 50, dtype=torch.float64, requires_grad=True)
    table = [torch.randn(50, n, dtype=torch.float64) for n in (10, 10, 9)]
    y, log_derivative = rational_quadratic_spline(x, *table, bound=5.0)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert torch.allclose(slope.log(), log_derivative, atol=1e-8)


def test_the_stochastic_durations_bound_a_likelihood_that_training_raises():
    predictor = StochasticDurationPredictor(8, 16, 3, 0.0)
    x, mask = torch.randn(4, 8, 12), torch.ones(4, 1, 12)
    durations = torch.randint(1, 6, (4, 1, 12)).float()
    optimizer = torch.optim.Adam(predictor.parameters(), 5e-3)
    losses = []
    for _ in range(60):
        loss = predictor(x, mask, durations).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    sampled = predictor.sample(x, mask, torch.randn(4, 2, 12) * 0.5).exp()
    assert torch.isfinite(sampled).all() and sampled.min() > 0


def test_the_plain_durations_learn_the_logarithm():
    predictor = DurationPredictor(8, 32, 3, 0.0)
    x, mask = torch.randn(2, 8, 10), torch.ones(2, 1, 10)
    durations = torch.randint(1, 8, (2, 1, 10)).float()
    optimizer = torch.optim.Adam(predictor.parameters(), 1e-2)
    for _ in range(200):
        loss = predictor(x, mask, durations).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.allclose(predictor.sample(x, mask, mask).exp(), durations, atol=0.5)


def test_sums_of_durations_are_learnt_where_they_cannot_be_known_one_by_one():
    """Each symbol takes 1 or 7 frames and nothing tells which: the mean of logarithms alone is far too fast."""
    sums = {}
    for weight in (0.0, SUM_WEIGHT):
        torch.manual_seed(3)
        predictor = DurationPredictor(8, 32, 3, 0.0, sum_weight=weight)
        optimizer = torch.optim.Adam(predictor.parameters(), 1e-2)
        x, mask = torch.zeros(16, 8, 30), torch.ones(16, 1, 30)
        for _ in range(150):
            durations = 1 + 6 * torch.randint(0, 2, (16, 1, 30)).float()
            loss = predictor(x, mask, durations).mean() / 30
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        sums[weight] = float(predictor.sample(x, mask, mask).detach().exp().mean()) / 4
    assert sums[0.0] < 0.75 and 0.9 < sums[SUM_WEIGHT] < 1.05


def test_whole_frames_keep_the_sum_and_give_every_symbol_one():
    durations = 0.2 + 3 * torch.rand(3, 1, 40, generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(40) < torch.tensor([40, 25, 1])[:, None]).float().unsqueeze(1)
    whole = whole_frames(durations, mask)
    assert whole.dtype == torch.int64 and bool((whole[mask[:, 0] == 0] == 0).all())
    assert bool((whole[mask[:, 0] == 1] >= 1).all())
    wanted = (durations.clamp(min=1) * mask).sum((1, 2))
    assert float((whole.sum(1) - wanted).abs().max()) <= 0.5
    assert float((whole - durations[:, 0].clamp(min=1) * mask[:, 0]).abs().max()) <= 1


def test_relative_attention_equals_the_formula_written_with_loops():
    channels, heads, window, time = 8, 2, 2, 7
    attention = stirred(RelativeAttention(channels, heads, window, 0.0))
    x = torch.randn(1, channels, time)
    got = attention(x, torch.ones(1, 1, time, time, dtype=torch.bool))
    q, k, v = (conv(x)[0].T.reshape(time, heads, -1) for conv in (attention.conv_q, attention.conv_k, attention.conv_v))
    size = channels // heads
    out = torch.zeros(time, heads, size)
    for h in range(heads):
        for i in range(time):
            scores = []
            for j in range(time):
                key = k[j, h].clone()
                if abs(j - i) <= window:
                    key = key + attention.emb_rel_k[0, j - i + window]
                scores.append(q[i, h] @ key / math.sqrt(size))
            weights = torch.softmax(torch.stack(scores), 0)
            for j in range(time):
                value = v[j, h].clone()
                if abs(j - i) <= window:
                    value = value + attention.emb_rel_v[0, j - i + window]
                out[i, h] = out[i, h] + weights[j] * value
    expected = attention.conv_o(out.reshape(time, channels).T[None])
    assert torch.allclose(got, expected, atol=1e-5)


def test_padding_changes_nothing_in_the_text_encoder():
    encoder = stirred(TextEncoder(20, text_settings()))
    symbols = torch.randint(1, 20, (1, 9))
    alone = encoder(symbols, torch.tensor([9]))
    padded = encoder(torch.nn.functional.pad(symbols, (0, 6)), torch.tensor([9]))
    for short, long in zip(alone, padded, strict=True):
        assert torch.allclose(short, long[..., :9], atol=1e-5)
        assert long[..., 9:].abs().max() == 0


def test_mel_filters_are_those_of_librosa():
    filters = slaney_filters(16000, 1024, 80)
    # librosa 0.11.0, librosa.filters.mel(sr=16000, n_fft=1024, n_mels=80): row, sum, place and height of the peak.
    known = [
        (0, 0.0623445, 2, 0.02253456),
        (1, 0.0640338, 5, 0.02422385),
        (20, 0.0661057, 50, 0.0262957),
        (40, 0.0639581, 110, 0.01444418),
        (60, 0.0639603, 238, 0.00665144),
        (79, 0.0639746, 493, 0.00333063),
    ]
    for row, total, peak, height in known:
        assert float(filters[row].sum()) == pytest.approx(total, abs=1e-6)
        assert int(filters[row].argmax()) == peak
        assert float(filters[row].max()) == pytest.approx(height, abs=1e-7)


def test_the_mel_spectrogram_of_a_tone_peaks_at_its_band():
    spectra = Spectra(16000, 1024, 256, 1024, 80)
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(8192) / 16000)[None]
    mel = spectra(tone)
    assert mel.shape == (1, 80, 32)
    filters = slaney_filters(16000, 1024, 80)
    expected = int(filters[:, round(1000 / 16000 * 1024)].argmax())
    assert (mel[0, :, 4:-4].argmax(0) == expected).all()


def test_the_inverse_spectrogram_gives_the_samples_back():
    audio = torch.randn(1, 256 * 40)
    edge = (1024 - 256) // 2
    spectrum = torch.stft(
        torch.nn.functional.pad(audio, (edge, edge)),
        1024,
        256,
        1024,
        torch.hann_window(1024),
        center=False,
        return_complex=True,
    )
    back = InverseSpectrogram(1024, 256)(spectrum.real, spectrum.imag)
    assert back.shape == audio.shape
    assert torch.allclose(back[:, 1024:-1024], audio[:, 1024:-1024], atol=1e-5)
