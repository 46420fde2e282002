"""Every preset: its shapes, its size, its names of tensors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from swaram.audio.noise import noise_frames
from swaram.config.config import Config, DiscriminatorConfig, load_config, parse_config
from swaram.model.decoders.bands import FilterBank
from swaram.model.decoders.base import Source
from swaram.model.decoders.build import build_decoder
from swaram.model.decoders.source import carried_phase
from swaram.model.discriminators import Discriminators
from swaram.model.vits import Vits
from swaram.training.checkpoints import read_info, read_tensors
from swaram.voice.engine import Engine
from swaram.voice.models import Models
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.model.tiny import PITCH, batch, stir
from tests.recorded_speech import spoken_clips

ROOT = Path(__file__).parents[2]


def millions(module: torch.nn.Module) -> float:
    return round(sum(parameter.numel() for parameter in module.parameters()) / 1e6, 2)


def preset(name: str) -> Config:
    return load_config(ROOT / ("config.json" if name == "mini" else f"configs/{name}.json"))


# Of other systems with the same layers: paper 36.32 and 39.70 M, multi-band 34.73 M, HiFi-GAN medium 23.66 M (with 256
# symbols). Our own: what they had when they were made, so that a change of architecture does not pass unseen.
@pytest.mark.parametrize(
    ("name", "speakers", "size"),
    [
        ("paper", 1, 36.32),
        ("paper", 109, 39.70),
        ("multiband", 1, 34.72),
        ("hifigan-medium", 1, 23.65),
        ("mini", 1, 10.46),
        ("mini", 63, 10.87),
        ("vocos-causal", 63, 10.70),
        ("rasa", 4, 12.05),
        ("22050", 1, 10.46),
        ("24000", 1, 10.46),
    ],
)
def test_every_preset_has_its_size_and_learns_in_every_part(name, speakers, size):
    config = preset(name)
    model = Vits(config.model, config.data, 178, speakers)
    assert millions(model) == size
    stir(model, 0.02)
    ids = {"language": torch.arange(3) % model.languages, "style": torch.arange(3) % model.styles}
    prior, output = model(batch(speakers, **ids, pitch=PITCH if model.pitch else None), 3)
    assert output.audio.shape == (3, 3 * config.data.hop_length) and prior.z_p.shape[1] == model.latent_channels
    loss = output.audio.square().mean() + prior.duration_loss + prior.z_p.square().mean()
    loss = loss + (0 if prior.pitch is None else prior.pitch.log().square().mean())
    (loss + prior.mean_p.square().mean() + prior.log_deviation_p.square().mean()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(("name", "size"), [("paper", 46.75), ("light", 0.78)])
def test_the_discriminators_have_their_size(name, size):
    config = parse_config({"model": {"discriminator": name}})
    assert millions(Discriminators(config.model.discriminator)) == size
    for path in ("paper", "multiband", "hifigan-medium"):
        assert preset(path).model.discriminator == DiscriminatorConfig()
    for path in ("mini", "vocos-causal", "rasa"):
        assert (
            preset(path).model.discriminator == parse_config({"model": {"discriminator": "light"}}).model.discriminator
        )


@pytest.mark.parametrize(
    ("decoder", "size", "margins"),
    [  # HiFi-GAN's sizes and margins agree with those measured of other systems' decoders of the same shape
        ("hifigan-large", 14.34, (13, 13)),
        ("hifigan-medium", 1.66, (11, 11)),
        ("multiband", 13.71, (25, 25)),
        ("vocos", 3.79, (29, 29)),
        ("vocos-causal", 3.79, (54, 4)),
        ("harmonic", 3.79, (29, 29)),
    ],
)
@pytest.mark.parametrize("condition", [0, 16])
def test_every_decoder_makes_a_hop_of_samples_of_each_frame(decoder, size, margins, condition):
    config = parse_config({"model": {"decoder": decoder}}).model.decoder
    module = build_decoder(config, 192, 256, 16000, condition)
    conditioning = torch.randn(2, condition, 1) if condition else None
    source = Source(torch.full((2, 3), 200.0), torch.rand(2, 3), torch.randn(2, module.noise_channels, 3))
    audio = module(torch.randn(2, 192, 3), conditioning, source)
    assert audio.shape == (2, 3 * 256) and audio.dtype == torch.float32
    assert torch.isfinite(audio).all() and audio.abs().max() < 10
    assert (module.left_margin, module.right_margin) == margins
    if not condition:
        assert millions(module) == size


def test_the_speaker_reaches_every_upsampling_of_the_multiband_decoder():
    """Defect of another system: conditioned at its first layer only, it broke down after 149 steps of many speakers."""
    decoder = build_decoder(parse_config({"model": {"decoder": "multiband"}}).model.decoder, 192, 256, 16000, 16)
    assert len(decoder.conds) == len(decoder.ups) == 2
    latent, conditioning = torch.randn(1, 192, 4), torch.randn(1, 16, 1)
    with_speaker = decoder(latent, conditioning)
    for condition in decoder.conds:
        weight = condition.weight.detach().clone()
        torch.nn.init.zeros_(condition.weight)
        assert not torch.allclose(decoder(latent, conditioning), with_speaker, atol=1e-7)
        condition.weight.data.copy_(weight)


@pytest.mark.parametrize("bands", [2, 4, 8])
def test_the_bands_of_real_speech_join_to_the_speech(bands):
    """Defect of other systems: a filter bank that needs scipy.signal.kaiser, which SciPy no longer has."""
    clip = spoken_clips()[0]
    audio = torch.from_numpy(clip.audio[: len(clip.audio) // 8 * 8])[None]
    bank = FilterBank(bands)
    split = bank.analyse(audio)
    assert split.shape == (1, bands, audio.shape[1] // bands)
    joined = bank(split)
    error = (joined - audio)[:, 128:-128]
    assert float(10 * torch.log10(audio.square().mean() / error.square().mean())) > 50


def test_each_band_holds_its_own_part_of_the_spectrum():
    time = torch.arange(16000) / 16000
    bank = FilterBank(4)
    for band in range(4):
        tone = torch.sin(2 * torch.pi * (1000 + 2000 * band) * time)[None]
        energy = bank.analyse(tone)[0, :, 50:-50].square().mean(1)
        assert int(energy.argmax()) == band and float(energy[band] / energy.sum()) > 0.999


def test_the_shipped_weights_load_whole_and_speak_as_the_shipped_voice_does():
    folder, voice = ROOT / "weights" / "malayalam", Voice.open(ROOT / "voices" / "malayalam")
    info = read_info(folder)
    model = Vits(info.config.model, info.config.data, len(info.symbols.symbols), len(info.speakers)).eval()
    tensors = {name: value.float() for name, value in read_tensors(folder, "generator").items()}
    model.load_state_dict(tensors, strict=True)
    default = load_config(ROOT / "config.json").model  # the posterior serves training alone
    assert info.config.model == default.model_copy(update={"posterior_layers": info.config.model.posterior_layers})
    assert model.dec.margin == voice.manifest.decoder.left_margin == voice.manifest.decoder.right_margin
    models = Models(voice)
    prior = models.encode(voice.symbols.encode("അമ്മ വന്നു."), SpeechRequest(), 0, 0)
    spoken = np.concatenate([models.decode(prior, window) for window in Engine(voice).windows(prior)])
    pitch = torch.from_numpy(prior.pitch)[None]
    noise = torch.from_numpy(noise_frames(model.dec.noise_channels, 0, prior.length))[None]
    source = Source(pitch, carried_phase(pitch, voice.hop_length, voice.sample_rate), noise)
    conditioning = torch.from_numpy(prior.conditioning)[None]
    with torch.no_grad():
        latent = model.reverse_flow(torch.from_numpy(prior.prior)[None], torch.tensor([prior.length]), conditioning)
        # The pitch of one of them drives both: what rounding does to it adds up in the phase, frame by frame.
        audio = model.decode(latent, conditioning, source)[0].numpy()
    # Both are rounded to half precision, though not the same tensors of them.
    assert np.abs(audio - spoken).max() < 0.01 * np.abs(spoken).max()


# Names under which released checkpoints keep the decoders, one of each kind of layer.
NAMES = {
    "hifigan-large": ["conv_pre.weight", "cond.weight", "ups.3.bias", "resblocks.11.convs2.2.bias", "conv_post.weight"],
    "hifigan-medium": ["conv_pre.weight", "cond.weight", "ups.2.bias", "resblocks.8.convs.1.bias", "conv_post.weight"],
    "vocos": [
        "pre.weight",
        "cond.bias",
        "norm_in.weight",
        "blocks.7.depthwise.weight",
        "blocks.0.scale",
        "head.weight",
    ],
    "harmonic": ["pre.weight", "cond.bias", "pitch.weight", "blocks.7.depthwise.weight", "gains.weight"],
    "vocos-causal": ["pre.weight", "cond.bias", "norm_in.weight", "blocks.7.depthwise.weight", "head.weight"],
    "multiband": ["conv_pre.bias", "conds.1.weight", "ups.1.bias", "resblocks.5.convs1.0.bias", "conv_post.bias"],
}


@pytest.mark.parametrize("decoder", NAMES)
def test_decoders_keep_the_names_of_their_tensors(decoder):
    config = parse_config({"model": {"decoder": decoder}}).model.decoder
    names = set(build_decoder(config, 192, 256, 16000, 16).state_dict())
    names |= {name.replace("parametrizations.weight.original1", "weight") for name in names}
    assert set(NAMES[decoder]) <= names
