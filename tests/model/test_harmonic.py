"""The harmonic source: its pitch, its harmonics, its phase across windows, and the transform it goes through."""

import numpy as np
import pytest
import torch

from swaram.audio.noise import FRAMES, noise_frames
from swaram.config.config import HarmonicConfig, parse_config
from swaram.model.decoders.base import Source
from swaram.model.decoders.build import build_decoder
from swaram.model.decoders.fourier import InverseSpectrogram, Spectrogram
from swaram.model.decoders.harmonic import NOISE, resampled_gains
from swaram.model.decoders.source import HIGHEST, STRENGTH, carried_phase, pulses
from swaram.model.pitch import PitchPredictor
from swaram.model.spectra import Spectra
from swaram.voice import models as served
from tests.recorded_speech import spoken_clips

RATE, HOP = 16000, 256


def glide(frames: int) -> torch.Tensor:
    """A pitch that moves as speech does, between 90 and 380 Hz: float32 [1, frames]."""
    steps = torch.randn(1, frames, generator=torch.Generator().manual_seed(2)).cumsum(1)
    return 185 * torch.exp(0.7 * torch.sin(0.2 * steps))


def described(**settings: int) -> HarmonicConfig:
    decoder = parse_config(
        {"data": {"sample_rate": RATE}, "model": {"decoder": {"type": "harmonic", **settings}}}
    ).model.decoder
    assert isinstance(decoder, HarmonicConfig)
    return decoder


def test_a_burst_of_noise_is_shorter_with_shorter_transforms():
    """One frame loud, all others silent: how long the sound is heard above a hundredth of its power."""
    lengths = {}
    for frames_each, n_fft in ((1, 1024), (4, 256)):
        decoder = build_decoder(described(kernel=1, frames=frames_each, n_fft=n_fft), 8, HOP, RATE).eval()
        decoder.features = lambda latent, *_: 10 * latent.mT[..., :1].expand(-1, -1, 256)
        torch.nn.init.zeros_(decoder.gains.weight)
        decoder.gains.weight.data[:, 0] = 1.0
        latent = torch.full((1, 8, 21), -1.0)
        latent[..., 10] = 0.2
        pitch = torch.full((1, 21), 200.0)
        noise = torch.randn(1, decoder.noise_channels, 21, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            power = decoder(latent, None, Source(pitch, carried_phase(pitch, HOP, RATE), noise))[0].square()
        smooth = power.unfold(0, 64, 16).mean(1)
        lengths[n_fft] = 16 * int((smooth > 0.01 * smooth.max()).sum())
    assert lengths[256] < 1.6 * HOP < lengths[1024]


def test_a_steady_pitch_is_the_sum_of_its_harmonics():
    pitch = torch.full((1, 20), 211.0)
    audio = pulses(pitch, carried_phase(pitch, HOP, RATE), HOP, RATE)[0]
    turns = 211.0 * torch.arange(20 * HOP, dtype=torch.float64) / RATE
    count = int(HIGHEST * RATE / 211.0)
    cosines = torch.cos(2 * torch.pi * turns[:, None] * torch.arange(1, count + 1))
    assert torch.allclose(audio.double(), STRENGTH * cosines.sum(1), atol=2e-3)
    assert float(audio.abs().max()) == pytest.approx(STRENGTH * count, rel=0.01)


def test_the_phase_goes_on_where_a_frame_ends_however_the_pitch_moves():
    pitch = glide(200)
    audio = pulses(pitch, carried_phase(pitch, HOP, RATE), HOP, RATE)[0].numpy()
    # The pitch of every sample, drawn from the middle between two frames to the next, and summed.
    edges = np.pad(pitch[0].double().numpy(), 1, mode="edge")
    edges = 0.5 * (edges[:-1] + edges[1:])
    samples = np.interp(np.arange(200 * HOP) + 0.5, np.arange(201) * HOP, edges)
    peaks = (audio[1:-1] > audio[:-2]) & (audio[1:-1] >= audio[2:])
    high = audio > 0.4 * STRENGTH * HIGHEST * RATE / samples  # what half a sample beside a pulse leaves of it is more
    times = np.flatnonzero(peaks & high[1:-1]) + 1
    turns = np.concatenate([[0], np.cumsum(samples / RATE)])[times]
    assert len(times) == pytest.approx(samples.sum() / RATE, abs=2)
    assert np.all(np.abs(turns - np.round(turns)) <= 0.51 * samples[times] / RATE)


def test_windows_with_the_carried_phase_are_those_of_one_pass():
    pitch = glide(120)
    phase = carried_phase(pitch, HOP, RATE)
    whole = pulses(pitch, phase, HOP, RATE)
    part = pulses(pitch[:, 30:80], phase[:, 30:80], HOP, RATE)
    assert torch.equal(part[:, HOP:-HOP], whole[:, 31 * HOP : 79 * HOP])  # the outer frames know one neighbour only


def test_serving_carries_the_same_phase_as_training_and_needs_no_later_frame():
    pitch = glide(3000)
    known = served.carried_phase(pitch[0].numpy(), HOP, RATE)
    trained = carried_phase(pitch, HOP, RATE)[0].numpy()
    apart = np.abs(known - trained)
    assert np.minimum(apart, 1 - apart).max() < 1e-5
    assert np.array_equal(served.carried_phase(pitch[0, :500].numpy(), HOP, RATE), known[:500])


def test_the_transform_is_the_usual_one_and_its_inverse_gives_the_speech_back():
    audio = torch.from_numpy(spoken_clips()[0].audio)
    audio = audio[: len(audio) // HOP * HOP][None]
    real, imaginary = Spectrogram(1024, HOP)(audio)
    padded = torch.nn.functional.pad(audio, (384, 384))
    usual = torch.stft(padded, 1024, HOP, window=torch.hann_window(1024), center=False, return_complex=True)
    assert torch.allclose(real, usual.real, atol=1e-4) and torch.allclose(imaginary, usual.imag, atol=1e-4)
    again = InverseSpectrogram(1024, HOP)(real, imaginary)
    assert torch.allclose(again[:, 1024:-1024], audio[:, 1024:-1024], atol=1e-5)


@pytest.mark.parametrize("hop", [128, 256])
def test_transforms_are_fast_ones_and_as_exported_the_same_products(monkeypatch, hop):
    inverse = InverseSpectrogram(512, hop // 2).double()
    parts = [torch.randn(2, 257, 9, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    audio, wanted = torch.randn(2, 9 * hop, dtype=torch.float64), torch.randn(2, 9 * hop // 2, dtype=torch.float64)
    forth = Spectrogram(512, hop).double()

    def everything():
        samples = inverse(*parts)
        return [samples, *torch.autograd.grad((samples * wanted).sum(), parts), *forth(audio)]

    fast = everything()
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: True)
    for ours, theirs in zip(fast, everything(), strict=True):
        assert ours.shape == theirs.shape and torch.allclose(ours, theirs, atol=2e-4)  # tables of float32
        assert ours.abs().max() > 0.01


def test_the_noise_of_a_frame_is_as_strong_as_white_noise_in_the_window():
    white = 0.1 * torch.randn(1, 200 * HOP, generator=torch.Generator().manual_seed(3))
    real, imaginary = Spectrogram(1024, HOP)(white)
    assert float(torch.cat([real[:, 2:-2], imaginary[:, 2:-2]]).std()) == pytest.approx(NOISE, rel=0.02)


@pytest.mark.parametrize(("frames_each", "n_fft"), [(1, 1024), (4, 256), (2, 512)])
def test_a_voiced_sound_turns_to_noise_with_the_frequency_and_is_as_strong_as_the_harmonics_alone(frames_each, n_fft):
    config = described(frames=frames_each, n_fft=n_fft)
    decoder = build_decoder(config, 8, HOP, RATE).eval()
    torch.nn.init.zeros_(decoder.gains.weight)
    bias = decoder.gains.bias.view(frames_each, -1)
    torch.nn.init.constant_(bias[:, n_fft // 2 + 1 :], -30.0)  # no noise but that of the voice
    frames = 400
    pitch = torch.full((1, frames), 200.0)
    noise = torch.randn(1, decoder.noise_channels, frames, generator=torch.Generator().manual_seed(4))
    source = Source(pitch, carried_phase(pitch, HOP, RATE), noise)
    with torch.no_grad():
        audio = decoder(torch.zeros(1, 8, frames), None, source)
        clear = np.exp(-2) * pulses(pitch, source.phase, HOP, RATE)
    # A hundred periods and more at once: harmonics stand in every 40th bin, noise in all of them.
    spectrum, alone = (torch.fft.rfft(x[0, 3200 : 3200 + 80 * 1000]).abs().square() for x in (audio, clear))
    for low, high, share in ((400, 1400, 0.0), (3000, 3400, 0.4), (6000, 7000, 0.73)):
        band = slice(5 * low, 5 * high)  # 80,000 samples: bins of 0.2 Hz
        bins = torch.arange(5 * low, 5 * high)
        harmonic = ((bins + 50) % 1000) < 100
        power = spectrum[band]
        assert float(power[~harmonic].mean() / power.mean()) == pytest.approx(share, abs=0.06)
        assert float(power.mean() / alone[band].mean()) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("frames_each", "n_fft", "margin"), [(1, 1024, 5), (4, 256, 2), (2, 512, 3)])
def test_windows_join_where_the_source_looks_further_than_the_network_ahead_or_back(frames_each, n_fft, margin):
    config = described(channels=16, blocks=1, kernel=1, lookahead=0, frames=frames_each, n_fft=n_fft)
    torch.manual_seed(5)
    decoder = build_decoder(config, 8, HOP, RATE).eval()
    assert (decoder.left_margin, decoder.right_margin) == (margin, margin)  # the network alone: those of the inverse
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    latent, pitch = torch.randn(1, 8, 60), glide(60)
    source = Source(pitch, carried_phase(pitch, HOP, RATE), torch.randn(1, decoder.noise_channels, 60))
    with torch.no_grad():
        whole = decoder(latent, None, source)
        for start, end in ((0, 20), (20, 41), (41, 60)):
            low, high = max(0, start - margin), min(60, end + margin)
            part = Source(pitch[:, low:high], source.phase[:, low:high], source.noise[:, :, low:high])
            window = decoder(latent[:, :, low:high], None, part)[:, (start - low) * HOP : (end - low) * HOP]
            assert torch.allclose(window, whole[:, start * HOP : end * HOP], atol=1e-4 * float(whole.abs().max()))


def test_the_noise_depends_on_the_frames_number_alone():
    table = noise_frames(10, 0, 3 * FRAMES)
    assert table.dtype == np.float32 and abs(float(table.std()) - 1) < 0.05
    assert np.array_equal(noise_frames(10, 700, 900), table[:, 700:900])
    assert np.array_equal(table[:, :FRAMES], table[:, FRAMES : 2 * FRAMES])


def test_the_pitch_of_a_frame_depends_on_as_many_frames_as_stated_and_stays_in_its_range():
    torch.manual_seed(0)
    head = PitchPredictor(8, 16, 5, 4)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    latent, conditioning = torch.randn(1, 8, 60), torch.randn(1, 4, 1)
    other = latent.clone()
    other[:, :, 30] += 1
    with torch.no_grad():
        first, second = head(latent, conditioning), head(other, conditioning)
    touched = torch.nonzero((first - second).abs()[0] > 1e-4).flatten()
    assert int(touched.min()) == 30 - head.margin and int(touched.max()) == 30 + head.margin
    assert first.shape == (1, 60) and float(first.min()) >= 50 and float(first.max()) <= 700


def test_gains_for_other_transforms_sound_as_the_old_ones():
    """A slope over the frequencies, for harmonics and for noise; mean difference of log mel bands, in nats."""
    old, new = described(kernel=1), described(kernel=1, frames=4, n_fft=256)
    pitch = torch.full((1, 60), 140.0)
    generator = torch.Generator().manual_seed(2)
    heard = []
    for config in (old, new):
        decoder = build_decoder(config, 8, HOP, RATE).eval()
        torch.nn.init.zeros_(decoder.gains.weight)
        slope = torch.linspace(0, -3, 513)
        bias = torch.cat([slope, slope.flip(0) + 1.0])
        value = bias if config is old else resampled_gains(bias, old, new, HOP, is_bias=True)
        decoder.gains.bias.data.copy_(value)
        noise = torch.randn(1, decoder.noise_channels, 60, generator=generator)
        with torch.no_grad():
            audio = decoder(torch.zeros(1, 8, 60), None, Source(pitch, carried_phase(pitch, HOP, RATE), noise))
            heard.append(Spectra(RATE, 1024, HOP, 1024, 20)(audio)[..., 5:-5].mean(2))
    assert float((heard[0] - heard[1]).abs().mean()) < 0.15
    back = resampled_gains(resampled_gains(bias, old, new, HOP, is_bias=True), new, old, HOP, is_bias=True)
    assert torch.allclose(back, bias, atol=1e-3)
