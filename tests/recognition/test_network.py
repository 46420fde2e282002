"""The network: what its entrance has learnt at one height of the spectrum it knows at the others."""

import pytest
import torch

from swaram.recognition.network import Entrance, Network, NetworkSettings, _windows
from tests.recognition.toy import TINY


@pytest.mark.parametrize(("dim", "size", "step"), [(3, 10, 4), (2, 3, 2), (1, 1, 1)])
def test_windows_are_those_of_unfold(dim, size, step):
    x = torch.randn(2, 7, 21, 90)
    assert torch.equal(_windows(x, dim, size, step), x.unfold(dim, size, step))


def test_a_formant_a_step_higher_is_the_same_a_place_higher():
    torch.manual_seed(0)
    entrance = Entrance(TINY, frames=9, n_mels=80).eval()
    seen = []
    entrance.third.register_forward_pre_hook(lambda _, given: seen.append(given[0].unflatten(2, (-1, 96))))
    low = torch.zeros(1, 4, 9, 80)
    low[..., 20:30] = torch.randn(1, 4, 9, 10)
    high = torch.roll(low, Entrance.APART * TINY.band_step, dims=3)
    for mel in (low, high):
        entrance(mel.flatten(2))
    below, above = seen
    torch.testing.assert_close(below[:, :, :-1], above[:, :, 1:])
    assert not torch.allclose(below, above)


@pytest.mark.parametrize(("window", "bands"), [(8, 80), (10, 78)])
def test_every_band_counts_but_those_above_the_last_whole_group(window, bands):
    torch.manual_seed(0)
    entrance = Entrance(TINY.model_copy(update={"band_window": window}), frames=9, n_mels=80).eval()
    mel = torch.randn(1, 3, 9, 80, requires_grad=True)
    entrance(mel.flatten(2)).square().sum().backward()
    seen = mel.grad.abs().amax((0, 1, 2)) > 0
    assert seen[:bands].all() and not seen[bands:].any()


def test_windows_wider_than_the_spectrum_are_refused():
    with pytest.raises(ValueError, match="4 bands are too few"):
        Network(NetworkSettings(), n_mels=4, n_units=5)


def test_kernels_padded_with_zeros_hear_the_same():
    torch.manual_seed(0)
    narrow = Network(TINY, 80, 7).eval()
    wide = Network(TINY.model_copy(update={"kernels": (7, 5)}), 80, 7).eval()
    assert wide.settings.widens(TINY) and not TINY.widens(wide.settings)
    wide.load_narrower(narrow.state_dict())
    mel = torch.randn(2, 60 * TINY.stride, 80)
    torch.testing.assert_close(wide(mel), narrow(mel))


@pytest.mark.parametrize("kernels", [(4,), (0,), ()])
def test_kernels_without_a_middle_are_refused(kernels):
    with pytest.raises(ValueError, match=r"kernels\n"):
        NetworkSettings(kernels=kernels)


def test_an_output_sees_as_far_as_the_settings_say():
    torch.manual_seed(0)
    network = Network(TINY, 80, 7).eval()
    mel = torch.randn(1, 60 * TINY.stride, 80)
    changed = mel.clone()
    changed[:, : TINY.stride] += 1.0  # all that one output stands for
    apart = (network(changed) - network(mel)).abs().amax((0, 2))
    assert apart[TINY.reach] > 0 and apart[TINY.reach + 1 :].max() == 0
