"""What CPUs compute with the channels of a moment together is what the layers say, forth and back."""

import pytest
import torch
from torch import nn

from swaram.model.flow import Flow
from swaram.model.layers import TimeConv, WaveNet
from swaram.model.spectra import Spectra
from tests.model.cpu.gradients import learnt
from tests.model.tiny import stirred


def wavenet(condition, dilation=1, kind=torch.float64):
    net = stirred(WaveNet(12, 5, 3, condition, dilation)).to(kind)
    mask = torch.ones(2, 1, 20, dtype=kind)
    mask[1, :, 13:] = 0
    given = torch.randn(2, condition, 1, dtype=kind) if condition else None
    return net, torch.randn(2, 12, 20, dtype=kind) * mask, mask, given


@pytest.mark.parametrize(("condition", "dilation"), [(0, 1), (6, 1), (6, 2)])
def test_a_wavenet_as_one_operation_has_the_layers_output_and_gradients(plainly, condition, dilation):
    made = wavenet(condition, dilation)
    whole, layers = learnt(*made), plainly(*made)
    assert set(whole) == set(layers) and len(whole) > 12
    layers["input"] = layers["input"] * made[2]  # padding gets none: whoever calls has masked it
    for name in whole:
        assert torch.allclose(whole[name], layers[name], atol=1e-9), name
        assert whole[name].abs().max() > 0, name


def test_in_bfloat16_its_gradients_point_where_those_of_float32_do(plainly):
    made = wavenet(6, kind=torch.float32)
    exact = plainly(*made)
    exact["input"] = exact["input"] * made[2]
    with torch.autocast("cpu", torch.bfloat16):
        rough = learnt(*made)
    for name in exact:
        alike = torch.nn.functional.cosine_similarity(rough[name].float().flatten(), exact[name].flatten(), dim=0)
        assert alike > 0.999, name


def test_frozen_layers_get_no_gradient_and_those_before_them_do():
    net, x, mask, given = wavenet(6)
    net.requires_grad_(False)
    x.requires_grad_()
    net(x, mask, given).sum().backward()
    assert x.grad.abs().max() > 0 and all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize(("kernel", "padding", "groups"), [(1, 0, 1), (3, 1, 1), (5, 0, 1), (7, 3, 8)])
def test_a_convolution_over_time_is_that_of_the_library(plainly, kernel, padding, groups):
    conv = TimeConv(8, 8, kernel, padding=padding, groups=groups).double()
    x = torch.randn(2, 8, 15, dtype=torch.float64)
    ours, theirs = learnt(conv, x), plainly(conv, x)
    for name in theirs:
        assert torch.allclose(ours[name], theirs[name], atol=1e-12), name


@pytest.mark.parametrize("couplings", [1, 2, 3, 4])
def test_the_flow_flips_its_channels_after_each_coupling(couplings):
    flow = stirred(Flow(8, 16, 5, 2, couplings))
    x, mask = torch.randn(2, 8, 20), torch.ones(2, 1, 20)
    expected = x
    for coupling in flow.couplings:
        fixed, moved = expected.chunk(2, dim=1)
        expected = torch.cat([fixed, moved + coupling(fixed, mask, None)], dim=1).flip(1)
    assert torch.allclose(flow(x, mask), expected, atol=1e-5)
    assert torch.allclose(flow(expected, mask, reverse=True), x, atol=1e-5)


@pytest.mark.parametrize("win", [1024, 800])
def test_linear_spectra_are_those_of_the_short_time_fourier_transform(win):
    audio = torch.randn(2, 256 * 12)
    padded = nn.functional.pad(audio[:, None], (384, 384), mode="reflect")[:, 0]
    transform = torch.stft(padded, 1024, 256, win, torch.hann_window(win), center=False, return_complex=True)
    got = Spectra(16000, 1024, 256, win, 80).linear(audio)
    assert got.shape == (2, 513, 12)
    assert torch.allclose(got, (transform.abs().square() + 1e-6).sqrt(), atol=1e-4)
