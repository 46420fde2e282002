"""The VITS generator: text and speech to the training losses' ingredients, text to latent frames and audio."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from swaram.audio.noise import noise_frames
from swaram.config.config import DataConfig
from swaram.config.model import ModelConfig
from swaram.model.alignment import expand, maximum_path
from swaram.model.decoders.base import Source
from swaram.model.decoders.build import build_decoder
from swaram.model.decoders.source import carried_phase
from swaram.model.durations import SUM_WEIGHT, DurationPredictor, StochasticDurationPredictor, whole_frames
from swaram.model.flow import Flow
from swaram.model.layers import sequence_mask
from swaram.model.pitch import PitchPredictor
from swaram.model.posterior import PosteriorEncoder
from swaram.model.text_encoder import TextEncoder
from swaram.model.voice_constant import VoiceConstant


@dataclass
class Inputs:
    """A batch as the generator takes it; None where the model has no such part, or nothing is known.

    Languages are places in ``data.languages``; style 0 is no style, n the n-th of ``data.styles``.
    """

    symbols: Tensor  # int64 [batch, symbols], padded with 0
    symbol_lengths: Tensor  # int64 [batch]
    spectrogram: Tensor  # float32 [batch, bins, frames], linear magnitudes
    frame_lengths: Tensor  # int64 [batch]
    speaker: Tensor | None = None  # int64 [batch]
    language: Tensor | None = None  # int64 [batch]
    style: Tensor | None = None  # int64 [batch]
    durations: Tensor | None = None  # int64 [batch, symbols], frames; in place of the alignment search
    pitch: Tensor | None = None  # float32 [batch, frames], Hz, of the recordings; drives a harmonic source in training


@dataclass
class Prior:
    """The posterior's latent seen through the flow, beside the prior that the aligned text gives."""

    z_p: Tensor  # [batch, latent, frames], the posterior's sample after the flow
    log_deviation_q: Tensor  # [batch, latent, frames], of the posterior
    mean_p: Tensor  # [batch, latent, frames], of the prior, expanded by the alignment
    log_deviation_p: Tensor  # [batch, latent, frames]
    mask: Tensor  # [batch, 1, frames]
    durations: Tensor  # int64 [batch, symbols], in frames, of the alignment
    duration_loss: Tensor  # [], mean over symbols: nats (stochastic) or squared error (plain)
    pitch: Tensor | None = None  # [batch, frames], Hz, heard in the posterior's sample; where the decoder needs it


@dataclass
class Segments:
    """Decoded pieces of a batch and where they are from."""

    audio: Tensor  # [segments, segment samples]
    rows: Tensor  # int64 [segments], the item of the batch
    starts: Tensor  # int64 [segments], first frame


class Vits(nn.Module):
    """Conditional variational autoencoder with a flow prior and an adversarially trained decoder (section 2).

    Several speakers and ``data.styles`` condition every part but the text encoder, by the sum of their vectors; several
    ``data.languages`` condition the text encoder. Language ids are places in ``data.languages``, style id 0 is no style
    (it adds nothing), id n the n-th of ``data.styles``.
    """

    def __init__(self, model: ModelConfig, data: DataConfig, symbols: int, speakers: int = 1):
        super().__init__()
        self.hop, self.sample_rate, self.speakers = data.hop_length, data.sample_rate, speakers
        self.latent_channels = model.latent_channels
        self.languages, self.styles = len(data.languages), 1 + len(data.styles)
        self.condition = condition = model.speaker_channels if speakers > 1 or self.styles > 1 else 0
        hidden = model.hidden_channels
        self.enc_p = TextEncoder(symbols, model, self.languages)
        self.enc_q = PosteriorEncoder(
            data.n_fft // 2 + 1,
            model.latent_channels,
            hidden,
            model.posterior_kernel,
            model.posterior_layers,
            condition,
        )
        self.flow = Flow(
            model.latent_channels,
            hidden,
            model.flow_kernel,
            model.flow_layers,
            model.flow_couplings,
            condition,
        )
        self.duration_sums = model.duration_sums
        self.pace: VoiceConstant | None = None  # logarithm of how many times as fast a voice speaks, for inference
        self.dp: StochasticDurationPredictor | DurationPredictor
        if model.duration_predictor == "stochastic":
            self.dp = StochasticDurationPredictor(hidden, model.duration_channels, 3, 0.5, condition=condition)
        else:
            weight = SUM_WEIGHT if model.duration_sums else 0.0
            self.dp = DurationPredictor(hidden, model.duration_channels, 3, 0.5, condition, weight)
        self.dec = build_decoder(model.decoder, model.latent_channels, data.hop_length, data.sample_rate, condition)
        self.pitch = PitchPredictor(model.latent_channels, hidden, 5, condition) if self.dec.noise_channels else None
        self.emb_g = nn.Embedding(speakers, condition) if speakers > 1 else None
        self.emb_s = nn.Embedding(self.styles, condition, padding_idx=0) if self.styles > 1 else None
        if self.emb_s is not None:
            nn.init.zeros_(self.emb_s.weight)  # every style begins as none

    def condition_on(self, speaker: Tensor | None, style: Tensor | None = None) -> Tensor | None:
        """speaker and style int64 [batch] to the conditioning vector [batch, condition, 1].

        None with one speaker and no styles; ValueError where the model has several and no ids are given.
        """
        parts = []
        for what, table, ids in (("speakers", self.emb_g, speaker), ("styles", self.emb_s, style)):
            if table is not None and ids is None:
                raise ValueError(f"a model of several {what} needs their ids")
            if table is not None and ids is not None:
                parts.append(table(ids))
        return sum(parts[1:], parts[0]).unsqueeze(-1) if parts else None

    def forward(
        self, inputs: Inputs, segment_frames: int, segments: int | None = None, alignment_noise: float = 0.0
    ) -> tuple[Prior, Segments]:
        """One training pass (figure 1a).

        ``segments``: decode only so many items of the batch, chosen at random, one segment of ``segment_frames`` each;
        None is one for every item. ``alignment_noise`` scales the noise added to the alignment scores, in units of
        their deviation (Kong et al. 2023, section 2.2).
        """
        conditioning = self.condition_on(inputs.speaker, inputs.style)
        z, _, log_q, mask = self.enc_q(inputs.spectrogram, inputs.frame_lengths, conditioning)
        prior = self._prior(inputs, z, log_q, mask, conditioning, alignment_noise)
        if self.pitch is not None:
            prior.pitch = self.pitch(z, conditioning)
        rows = torch.arange(len(z), device=z.device)
        if segments is not None:
            turns = -(-segments // len(z))
            rows = torch.cat([torch.randperm(len(z), device=z.device) for _ in range(turns)])[:segments]
        # Uniform over the segments that lie wholly inside each utterance.
        latest = (inputs.frame_lengths[rows] - segment_frames).clamp(min=0)
        starts = (torch.rand(len(rows), device=z.device) * (latest + 1)).long()
        voice = None if conditioning is None else conditioning[rows]
        source = None
        if inputs.pitch is not None:
            source = self._source_of(cut(inputs.pitch[rows].unsqueeze(1), starts, segment_frames)[:, 0])
        return prior, Segments(self.dec(cut(z[rows], starts, segment_frames), voice, source), rows, starts)

    def text_side(self, inputs: Inputs, alignment_noise: float = 0.0) -> Prior:
        """A pass in which only text encoder, flow and durations learn; arguments as in ``forward``.

        The posterior gets no gradient: with the divergence as its only loss it would give up its content.
        """
        conditioning = self.condition_on(inputs.speaker, inputs.style)
        with torch.no_grad():
            z, _, log_q, mask = self.enc_q(inputs.spectrogram, inputs.frame_lengths, conditioning)
        return self._prior(inputs, z, log_q, mask, conditioning, alignment_noise)

    def _prior(
        self,
        inputs: Inputs,
        z: Tensor,
        log_q: Tensor,
        mask: Tensor,
        conditioning: Tensor | None,
        alignment_noise: float,
    ) -> Prior:
        """What the text says of the posterior's sample z, log deviation log_q [batch, latent, frames], and its mask."""
        hidden, mean_p, log_p, symbol_mask = self.enc_p(inputs.symbols, inputs.symbol_lengths, inputs.language)
        z_p = self.flow(z, mask, conditioning).float()
        durations = inputs.durations
        if durations is None:
            with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
                score = gaussian_scores(z_p, mean_p, log_p)
                if alignment_noise > 0:
                    score = score + torch.randn_like(score) * score.std() * alignment_noise
                durations = maximum_path(score, inputs.symbol_lengths, inputs.frame_lengths)
        detached = None if conditioning is None else conditioning.detach()
        likelihood = self.dp(hidden.detach(), symbol_mask, durations.unsqueeze(1).float(), detached)
        mean_p = expand(mean_p, durations, z.shape[2]) * mask
        log_p = expand(log_p, durations, z.shape[2]) * mask
        return Prior(z_p, log_q, mean_p, log_p, mask, durations, likelihood.float().sum() / symbol_mask.sum())

    def front_end(
        self,
        symbols: Tensor,
        lengths: Tensor,
        scales: Tensor,
        duration_noise: Tensor,
        latent_noise: Tensor,
        speaker: Tensor | None = None,
        language: Tensor | None = None,
        style: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Text to a sample of the prior (figure 1b); every random number comes in, so that a seed fixes the result.

        symbols int64 [batch, symbols]; lengths int64 [batch]; scales float32 [batch, 3]: noise, length, duration
        noise; duration_noise [batch, 2, symbols]; latent_noise [batch, latent, n], frame t takes column t mod n.
        Returns prior [batch, latent, frames], zero beyond each item's frames, durations int64 [batch, symbols],
        conditioning. ``reverse_flow`` makes latent frames of the prior.
        """
        noise_scale, length_scale, duration_scale = (scales[:, i].view(-1, 1, 1) for i in range(3))
        conditioning = self.condition_on(speaker, style)
        hidden, mean, log_deviation, symbol_mask = self.enc_p(symbols, lengths, language)
        log_duration = self.dp.sample(hidden, symbol_mask, duration_noise * duration_scale, conditioning)
        real = log_duration.float().exp() * length_scale
        if self.pace is not None:
            real = real * torch.exp(-self.pace(conditioning))
        if self.duration_sums:
            durations = whole_frames(real, symbol_mask)
        else:
            durations = (torch.ceil(real) * symbol_mask).squeeze(1).long()
        totals = durations.sum(1)
        frames: Any = int(totals.max()) if not torch.jit.is_tracing() else totals.max()
        mask = sequence_mask(totals, frames)
        column = torch.remainder(torch.arange(frames, device=symbols.device), latent_noise.shape[2])
        noise = latent_noise[:, :, column]
        mean = expand(mean, durations, frames)
        deviation = expand(log_deviation, durations, frames).exp()
        return (mean + noise * deviation * noise_scale) * mask, durations, conditioning

    def reverse_flow(self, prior: Tensor, lengths: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """prior [batch, latent, frames], lengths int64 [batch] in frames, to latent frames of the same shape."""
        mask = sequence_mask(lengths, prior.shape[2])
        return self.flow(prior, mask, conditioning, reverse=True) * mask

    def source(self, latent: Tensor, conditioning: Tensor | None = None) -> Source | None:
        """What drives the decoder of these latent frames [batch, latent, frames]; None where it needs nothing.

        The pitch is heard in the latent, the phase begins at 0, and the noise is always the same.
        """
        if self.pitch is None:
            return None
        pitch = self.pitch(latent, conditioning)
        noise = torch.from_numpy(noise_frames(self.dec.noise_channels, 0, latent.shape[2]))[None].to(latent.device)
        phase = carried_phase(pitch, self.hop, self.sample_rate)
        return Source(pitch, phase, noise.expand(len(latent), -1, -1))

    def decode(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        """latent [batch, latent, frames], and what ``source`` says where the decoder needs it, to audio.

        Audio is [batch, frames * hop], -1..1.
        """
        return self.dec(latent, conditioning, source).clamp(-1, 1)

    def _source_of(self, pitch: Tensor) -> Source:
        """The source of training segments: pitch [segments, frames] of recordings, a random first phase, noise."""
        phase = carried_phase(pitch, self.hop, self.sample_rate) + torch.rand(len(pitch), 1, device=pitch.device)
        noise = torch.randn(*pitch.shape, self.dec.noise_channels, device=pitch.device)  # as the gains lie in memory
        return Source(pitch, phase.frac(), noise.mT)


def gaussian_scores(z: Tensor, mean: Tensor, log_deviation: Tensor) -> Tensor:
    """Log-likelihood of each frame under each symbol's Gaussian, up to what is the same for all paths (equation 6).

    z [batch, latent, frames], mean and log_deviation [batch, latent, symbols] to [batch, symbols, frames].
    """
    precision = torch.exp(-2 * log_deviation)
    constant = (-log_deviation - 0.5 * mean.square() * precision).sum(1)
    return (
        constant.unsqueeze(2)
        - 0.5 * precision.transpose(-1, -2) @ z.square()
        + (mean * precision).transpose(-1, -2) @ z
    )


def cut(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Segments of ``size`` columns of x [batch, channels, time] that begin at starts int64 [batch]."""
    index = starts[:, None] + torch.arange(size, device=x.device)
    return x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))
