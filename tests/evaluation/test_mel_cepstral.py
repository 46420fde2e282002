"""Time warping, mel-cepstra and what is said of two readings."""

import numpy as np
import pytest

from swaram.evaluation.mel_cepstral import DECIBELS, Acoustics, closeness, mel_cepstra, warping_path


def slow_warping(distances: np.ndarray) -> float:
    """The definition of dynamic time warping, cell by cell: cost of the cheapest path."""
    total = np.full((distances.shape[0] + 1, distances.shape[1] + 1), np.inf)
    total[0, 0] = 0
    for i, row in enumerate(distances):
        for j, value in enumerate(row):
            total[i + 1, j + 1] = value + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return float(total[-1, -1])


@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (12, 31), (40, 23)])
def test_the_path_is_the_cheapest_one(shape):
    distances = np.random.default_rng(shape[0]).random(shape)
    rows, columns = warping_path(distances)
    assert (rows[0], columns[0]) == (0, 0) and (rows[-1], columns[-1]) == (shape[0] - 1, shape[1] - 1)
    assert ((np.diff(rows) >= 0) & (np.diff(columns) >= 0) & (np.diff(rows) + np.diff(columns) >= 1)).all()
    assert np.isclose(distances[rows, columns].sum(), slow_warping(distances))


def test_mel_cepstra_are_the_warped_spectrum():
    """The cosine series of the warped coefficients gives the logarithm of the amplitude back at warped frequencies."""
    bins, alpha = 513, 0.42
    omega = np.linspace(0, np.pi, bins)
    warped = omega + 2 * np.arctan2(alpha * np.sin(omega), 1 - alpha * np.cos(omega))
    smooth = 0.8 * np.cos(warped) - 0.3 * np.cos(3 * warped) + 0.1 * np.cos(7 * warped) - 2
    cepstra = mel_cepstra(np.exp(2 * smooth)[None], 16_000)[0]
    expected = np.zeros(25)
    expected[[0, 1, 3, 7]] = -2, 0.8, -0.3, 0.1
    assert np.allclose(cepstra, expected, atol=0.02)


def test_distortion_is_the_published_formula():
    random = np.random.default_rng(0)
    cepstra = random.standard_normal((50, 25))
    shifted = cepstra.copy()
    shifted[:, 3] += 0.1
    f0 = np.full(50, 120.0)
    found = closeness(Acoustics(f0, cepstra), Acoustics(f0, shifted))
    assert found["mel_cepstral_distortion"] == pytest.approx(10 / np.log(10) * np.sqrt(2 * 0.1**2))
    assert pytest.approx(6.1418, abs=1e-3) == DECIBELS


def test_a_reading_is_equal_to_itself_and_energy_does_not_count():
    random = np.random.default_rng(0)
    own = Acoustics(np.where(np.arange(80) % 20 < 12, 150 + np.arange(80), 0.0), random.standard_normal((80, 25)))
    louder = Acoustics(own.f0, own.cepstra + np.eye(25)[0])
    for other in (own, louder):
        assert closeness(own, other) == pytest.approx(
            {
                "mel_cepstral_distortion": 0,
                "f0_error": 0,
                "f0_correlation": 1,
                "voicing_error": 0,
                "duration_ratio": 1,
            },
            abs=1e-5,
        )


def test_an_octave_is_twelve_semitones_and_slower_is_longer():
    random = np.random.default_rng(0)
    f0, cepstra = 100 + 40 * random.random(60), random.standard_normal((60, 25))
    slower = Acoustics(np.repeat(2 * f0, 2), np.repeat(cepstra, 2, axis=0))
    found = closeness(Acoustics(f0, cepstra), slower)
    assert found["f0_error"] == pytest.approx(12)
    assert found["f0_correlation"] == pytest.approx(1)
    assert found["duration_ratio"] == 2


def test_pitch_without_voice_is_not_a_number():
    own = Acoustics(np.zeros(30), np.random.default_rng(0).standard_normal((30, 25)))
    assert np.isnan(closeness(own, own)["f0_error"])
