"""The text encoder's layers as single operations, and its cheap dropout, are what the plain ones are."""

import pytest
import torch

from swaram.model.cpu.dropout import Dropout, dropout_scales
from swaram.model.durations import DurationPredictor
from swaram.model.layers import sequence_mask
from swaram.model.text_encoder import FeedForward, RelativeAttention, TextEncoder
from tests.model.cpu.gradients import learnt
from tests.model.tiny import stirred, text_settings

LENGTHS = torch.tensor([14, 9])


def masked(kind=torch.float64, channels=12):
    mask = sequence_mask(LENGTHS, 14).to(kind)
    return torch.randn(2, channels, 14, dtype=kind) * mask, mask


class Inside(torch.nn.Module):
    """A layer without what it gives in the padding, where nobody looks."""

    def __init__(self, layer, mask):
        super().__init__()
        self.layer, self.mask = layer, mask

    def forward(self, x, *arguments):
        return self.layer(x, *arguments) * self.mask


def attention(kind, window=4):
    x, mask = masked(kind)
    layer = Inside(stirred(RelativeAttention(12, 2, window, 0.1)).to(kind).eval(), mask)
    return layer, x, (mask.unsqueeze(2) * mask.unsqueeze(3)) > 0


@pytest.mark.parametrize("window", [1, 4, 20])
def test_attention_as_one_operation_has_the_plain_outputs_and_gradients(plainly, window):
    made = attention(torch.float64, window)
    whole, plain = learnt(*made), plainly(*made)
    assert set(whole) == set(plain) and len(whole) == 12
    plain["input"] = plain["input"] * made[0].mask  # padding gets none that anyone sees
    for name in whole:
        got = whole[name] * made[0].mask if name == "input" else whole[name]
        assert torch.allclose(got, plain[name], atol=1e-9), name
        assert name == "layer.conv_k.bias" or got.abs().max() > 1e-6, name  # all keys moved alike change no weight


def test_feed_forward_as_one_operation_has_the_plain_outputs_and_gradients(plainly):
    x, mask = masked()
    for kernel in (1, 3, 5):
        layer = stirred(FeedForward(12, 20, kernel, 0.1)).double().eval()
        whole, plain = learnt(layer, x, mask), plainly(layer, x, mask)
        for name in plain:
            assert torch.allclose(whole[name], plain[name], atol=1e-9) and whole[name].abs().max() > 0, name


def encoder(**changes):
    return stirred(TextEncoder(30, text_settings(**changes)))


@pytest.mark.parametrize("kernel", [3, 4])
def test_the_whole_text_encoder_is_that_of_its_layers(monkeypatch, kernel):
    net, symbols = encoder(text_kernel=kernel).double().eval(), torch.randint(3, 30, (2, 14))
    whole = net(symbols, LENGTHS)
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: True)
    for ours, theirs in zip(whole, net(symbols, LENGTHS), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)  # prior and mask are float32


def test_in_bfloat16_gradients_of_the_layers_point_where_those_of_float32_do(plainly):
    x, mask = masked(torch.float32)
    cases = [attention(torch.float32), (stirred(FeedForward(12, 20, 3, 0.1)).eval(), x, mask)]
    for layer, x, given in cases:
        exact = plainly(layer, x, given)
        with torch.autocast("cpu", torch.bfloat16):
            rough = learnt(layer, x, given)
        for name in set(exact) - {"layer.conv_k.bias"}:
            ours, theirs = (value[name].float().flatten() for value in (rough, exact))
            assert torch.nn.functional.cosine_similarity(ours, theirs, dim=0) > 0.999, name


@pytest.mark.parametrize("layer", ["attention", "feed forward"])
def test_gradients_of_the_layers_follow_their_dropout(layer):
    x, mask = masked()
    if layer == "attention":
        net, x, given = attention(torch.float64)
    else:
        net, given = stirred(FeedForward(12, 20, 3, 0.1)).double(), mask
    net.train()

    def run(value):
        torch.manual_seed(3)
        return net(value, given) * mask

    assert not torch.allclose(run(x), net.eval()(x, given) * mask)
    net.train()
    inside = mask.expand_as(x).bool()  # in the padding neither gives a gradient that anyone sees

    def of_the_inside(numbers):
        return run(torch.zeros_like(x).masked_scatter(inside, numbers))

    assert torch.autograd.gradcheck(of_the_inside, x[inside].requires_grad_(), fast_mode=True)


def test_frozen_text_layers_get_no_gradient_and_those_before_them_do():
    x, mask = masked(torch.float32)
    for net, given in ((attention(torch.float32)[0], attention(torch.float32)[2]), (FeedForward(12, 20, 3, 0), mask)):
        start = x.clone().requires_grad_()
        net.requires_grad_(False)(start, given).sum().backward()
        assert start.grad.abs().max() > 0 and all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(kind, p):
    scales = dropout_scales((300, 1001), p, kind)
    assert scales.shape == (300, 1001) and scales.dtype == kind
    assert set(scales.unique().tolist()) == {0.0, float(torch.tensor(1 / (1 - p), dtype=kind))}
    assert float((scales == 0).double().mean()) == pytest.approx(p, abs=0.004)
    assert float(scales.double().mean()) == pytest.approx(1, abs=0.004)
    kept = (scales != 0).double() - (1 - p)
    for neighbour in (kept.roll(1, 0), kept.roll(1, 1), kept.roll(4, 1)):
        assert abs(float((kept * neighbour).mean())) < 0.003  # nobody knows of another


def test_dropout_follows_the_seed_and_rests_where_nothing_is_learnt():
    layer, x = Dropout(0.3), torch.randn(2, 5, 7).mT
    torch.manual_seed(1)
    first = layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first) and not torch.equal(layer(x), first)
    assert torch.equal(layer.eval()(x), x) and torch.equal(Dropout(0.0)(x), x)
    assert not torch.equal(
        stirred(DurationPredictor(4, 8, 3, 0.5))(*given()), stirred(DurationPredictor(4, 8, 3, 0.5))(*given())
    )


def given():
    return torch.ones(1, 4, 6), torch.ones(1, 1, 6), torch.ones(1, 1, 6)
