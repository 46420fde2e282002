"""The whole generator: every parameter learns, padding and windows change nothing, the graphs equal the model."""

import pytest
import torch

from swaram.model.decoders.base import Source
from swaram.model.discriminators import Discriminators
from swaram.model.vits import Vits, gaussian_scores
from tests.model.tiny import DECODERS, PITCH, batch, stir, tiny

VARIANTS = [
    {"duration_predictor": "stochastic"},
    {"duration_predictor": "plain"},
    *({"decoder": decoder} for decoder in DECODERS.values()),
]


def part_of(source: Source | None, low: int, high: int) -> Source | None:
    """The source of a window of frames."""
    if source is None:
        return None
    return Source(source.pitch[:, low:high], source.phase[:, low:high], source.noise[:, :, low:high])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("speakers", "languages", "styles"), [(1, 1, 0), (3, 1, 0), (1, 2, 0), (1, 1, 2), (3, 3, 2)])
def test_gradients_reach_every_parameter(variant, speakers, languages, styles):
    config = tiny(**variant)
    data = config.data.model_copy(
        update={"languages": ["ml", "ta", "kn"][:languages], "styles": ["happy", "sad"][:styles]}
    )
    model = Vits(config.model, data, 30, speakers)
    stir(model)
    ids = {"language": torch.arange(3) % languages, "style": torch.arange(3) % (styles + 1)}
    prior, output = model(batch(speakers, **ids, pitch=PITCH if model.pitch else None), 16)
    loss = output.audio.square().mean() + prior.duration_loss + prior.z_p.square().mean()
    loss = loss + prior.mean_p.square().mean() + prior.log_deviation_p.square().mean()
    if prior.pitch is not None:
        loss = loss + prior.pitch.log().square().mean()
    loss.backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # The stochastic predictor's last flow moves a channel that is thrown away in sampling, not in training.
    assert silent == []
    for table in (model.emb_g, model.enc_p.emb_l, model.emb_s):
        if table is not None:  # every speaker, language and style learns, but for no style, which adds nothing
            assert (table.weight.grad.abs().sum(1) > 0).tolist() == [
                row != table.padding_idx for row in range(table.num_embeddings)
            ]


def test_gradients_reach_every_discriminator_parameter():
    discriminators = Discriminators(tiny().model.discriminator)
    scores, features = discriminators(torch.randn(2, 4096))
    sum(score.square().mean() for score in scores).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in discriminators.parameters())
    assert [len(maps) for maps in features] == [3, 3, 3]


def test_the_alignment_scores_are_gaussian_log_likelihoods_up_to_a_constant():
    z, mean, log_deviation = torch.randn(1, 4, 9), torch.randn(1, 4, 3), torch.randn(1, 4, 3) * 0.3
    scores = gaussian_scores(z, mean, log_deviation)
    exact = torch.distributions.Normal(mean[0, :, :, None], log_deviation[0, :, :, None].exp())
    expected = exact.log_prob(z[0, :, None, :]).sum(0)
    difference = scores[0] - expected
    assert torch.allclose(difference, difference[0, 0].expand_as(difference), atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_front_end_gives_each_item_what_it_gets_alone(variant):
    config = tiny(**variant)
    model = Vits(config.model, config.data, 30, 3).eval()
    stir(model)
    symbols, lengths = torch.randint(0, 30, (2, 12)), torch.tensor([12, 7])
    noise, latent_noise = torch.randn(2, 2, 12), torch.randn(2, 8, 20)
    scales, speaker = torch.tensor([[0.7, 2.0, 0.8], [0.5, 3.0, 0.6]]), torch.tensor([2, 0])
    prior, durations, conditioning = model.front_end(symbols, lengths, scales, noise, latent_noise, speaker)
    latent = model.reverse_flow(prior, durations.sum(1), conditioning)
    assert latent.abs().max() > 0
    for item in range(2):
        one, size = slice(item, item + 1), int(lengths[item])
        alone, alone_durations, own = model.front_end(
            symbols[one, :size], lengths[one], scales[one], noise[one, :, :size], latent_noise[one], speaker[one]
        )
        alone = model.reverse_flow(alone, alone_durations.sum(1), own)
        frames = alone.shape[2]
        assert torch.equal(durations[item, :size], alone_durations[0])
        assert torch.allclose(latent[item, :, :frames], alone[0], atol=1e-5)
        assert latent[item, :, frames:].abs().sum() == 0


def test_the_length_scale_stretches_speech():
    config = tiny()
    model = Vits(config.model, config.data, 30, 1).eval()
    symbols, lengths = torch.randint(0, 30, (1, 40)), torch.tensor([40])
    frames = []
    for scale in (1.0, 4.0):
        arguments = torch.tensor([[0.0, scale, 0.0]]), torch.zeros(1, 2, 40), torch.zeros(1, 8, 1)
        frames.append(model.front_end(symbols, lengths, *arguments)[0].shape[2])
    assert frames[1] > 2 * frames[0]


@pytest.mark.parametrize("name", DECODERS)
def test_windows_with_the_stated_margins_join_to_what_one_pass_gives(name):
    config = tiny(decoder=DECODERS[name])
    model = Vits(config.model, config.data, 30, 3).eval()
    for parameter in model.dec.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0.0, 0.15)
    hop, left, right = config.data.hop_length, model.dec.left_margin, model.dec.right_margin
    latent, conditioning = torch.randn(1, 8, 130), model.condition_on(torch.tensor([1]))
    with torch.no_grad():
        source = model.source(latent, conditioning)
        whole = model.decode(latent, conditioning, source)
        assert whole.shape == (1, 130 * hop)
        pieces = []
        for start, end in ((0, 30), (30, 90), (90, 130)):
            low, high = max(0, start - left), min(130, end + right)
            window = model.decode(latent[:, :, low:high], conditioning, part_of(source, low, high))
            pieces.append(window[:, (start - low) * hop : (end - low) * hop])
        assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-5)


@pytest.mark.parametrize("name", DECODERS)
def test_the_stated_margins_are_as_far_as_a_decoder_looks(name):
    """Changing one frame changes the audio as far as the margins say, give or take one frame of fading windows."""
    config = tiny(decoder=DECODERS[name])
    model = Vits(config.model, config.data, 30, 1).eval()
    decoder = model.dec
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    hop, left, right = config.data.hop_length, decoder.left_margin, decoder.right_margin
    at = 60
    latent = torch.randn(1, 8, 2 * at)
    other = latent.clone()
    other[:, :, at] += 1
    with torch.no_grad():
        source = model.source(latent)
        change = (decoder(latent, None, source) - decoder(other, None, source)).abs().reshape(-1, hop).amax(1)
    touched = torch.nonzero(change).flatten() - at
    # Frame ``at`` stands in the left margin of the frames after it, and in the right margin of those before.
    assert -right <= int(touched.min()) <= -right + 1
    assert left - 1 <= int(touched.max()) <= left


def test_pieces_of_the_flow_with_the_stated_margin_join_to_what_one_pass_gives():
    model = Vits(tiny().model, tiny().data, 30, 3).eval()
    stir(model.flow, 0.2)
    prior, conditioning, margin = torch.randn(1, 8, 90), model.condition_on(torch.tensor([1])), model.flow.margin
    with torch.no_grad():
        whole = model.reverse_flow(prior, torch.tensor([90]), conditioning)
        first = model.reverse_flow(prior[:, :, : 40 + margin], torch.tensor([40 + margin]), conditioning)[:, :, :40]
        rest = model.reverse_flow(prior[:, :, 40 - margin :], torch.tensor([50 + margin]), conditioning)[:, :, margin:]
    assert margin > 0 and torch.allclose(torch.cat([first, rest], 2), whole, atol=1e-5)
