"""The ONNX models of a voice, run as the contract in docs/architecture.md says: front end, flow, decoder.

Beside them stands what the decoder is driven by in voices with a pitch: the phase that the pitch has come to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime

from swaram.audio.noise import noise_frames
from swaram.runtime.session import open_session
from swaram.voice.errors import VoiceError
from swaram.voice.reader import Passage
from swaram.voice.request import MAX_PITCH, MAX_SPEED, MIN_SPEED, SpeechRequest
from swaram.voice.voice import Voice
from swaram.voice.windows import Window, flow_edges, windows

PITCH_RANGE = (50.0, 700.0)  # Hz, what decoders with a harmonic source are given while they learn
_NOISE_STEP = 256
_FRAMES_PER_ID = 4


@dataclass
class Latent:
    """What the front end makes of a passage.

    ``frames``: float32 [C, T]; ``durations``: int64 [S], frames of each symbol id; ``conditioning``: float32
    [G, 1] in voices with several speakers. Where the flow is a model of its own, it fills ``frames`` from ``prior``
    (float32 [C, T]) piece by piece, up to each of ``edges``; the first ``known`` frames are filled, and of ``pitch``
    (float32 [T], Hz) in voices whose decoder is driven by one, ``pitch_factor`` times what the flow makes of it.
    """

    frames: np.ndarray
    durations: np.ndarray
    conditioning: np.ndarray | None
    known: int
    prior: np.ndarray | None = None
    edges: tuple[int, ...] = ()
    pitch: np.ndarray | None = None
    pitch_factor: float = 1.0

    @property
    def length(self) -> int:
        """T, in frames."""
        return self.frames.shape[1]


class Models:
    """Front end, flow and decoder of one voice, each an onnxruntime session of ``threads`` threads.

    Runs may come from several threads at once. Raises VoiceError when the models are not of the contract.
    """

    def __init__(self, voice: Voice, threads: int = 1) -> None:
        self.voice = voice
        self._frontend = _session(voice, "frontend.onnx", voice.package.frontend, threads)
        self._decoder = _session(voice, "decoder.onnx", voice.package.decoder, threads)
        flow = voice.package.flow
        self._flow = None if flow is None else _session(voice, "flow.onnx", flow, threads)
        self._made = "latent" if self._flow is None else "prior"
        self._frontend_outputs = _names(voice, "frontend.onnx", self._frontend.get_outputs(), self._made, "durations")
        source = voice.manifest.source
        self._noise_channels = source.noise_channels if source else 0
        self._flow_makes = ["latent"] if source is None else ["latent", "pitch"]
        if self._flow is not None:
            _names(voice, "flow.onnx", self._flow.get_outputs(), *self._flow_makes)
            self._flow_takes_conditioning = "conditioning" in _names(
                voice, "flow.onnx", self._flow.get_inputs(), "prior"
            )
        _names(voice, "decoder.onnx", self._decoder.get_outputs(), "audio")
        inputs = _names(voice, "frontend.onnx", self._frontend.get_inputs(), "symbols", "lengths", "scales")
        self._choices = {"speaker", "language", "style"} & set(inputs)
        self._takes_duration_noise = "duration_noise" in inputs
        driven = ("pitch", "phase", "noise") if source else ()
        taken = _names(voice, "decoder.onnx", self._decoder.get_inputs(), "latent", *driven)
        self._takes_conditioning = "conditioning" in taken

    def encode_passage(self, passage: Passage, request: SpeechRequest, index: int) -> Latent:
        """Latent frames of passage ``index`` of a request. Raises SpeechError for a speaker or style it lacks."""
        voice = self.voice
        speaker = voice.find_speaker(request.speaker)
        language = voice.language_number(voice.find_language(passage.language or request.language))
        style = voice.find_style(request.style)
        if passage.speed != 1.0 or passage.pitch:
            request = replace(
                request,
                speed=min(max(request.speed * passage.speed, MIN_SPEED), MAX_SPEED),
                pitch=min(max(request.pitch + passage.pitch, -MAX_PITCH), MAX_PITCH),
            )
        ids = voice.symbols.encode(passage.text)
        return self.encode(ids, request, speaker.id if speaker else 0, index, language, style)

    def encode(
        self, ids: list[int], request: SpeechRequest, speaker: int, index: int, language: int = 0, style: int = 0
    ) -> Latent:
        """Latent frames of symbol ids; the noise follows from the request's seed and the passage's index.

        ``speaker``, ``language``, ``style``: numbers, of which the front end gets those that it takes.
        """
        manifest, factor = self.voice.manifest, self.voice.pitch_factor(request.pitch)
        defaults = manifest.inference
        noise_scale = defaults.noise_scale if request.noise_scale is None else request.noise_scale
        duration_scale = request.duration_noise_scale
        scales = [
            noise_scale,
            defaults.length_scale / request.speed,
            defaults.duration_noise_scale if duration_scale is None else duration_scale,
        ]
        generator = np.random.Generator(np.random.PCG64([request.seed, index]))
        columns = max(1, -int(-len(ids) * _FRAMES_PER_ID / request.speed // _NOISE_STEP)) * _NOISE_STEP
        feed = {
            "symbols": np.array([ids], np.int64),
            "lengths": np.array([len(ids)], np.int64),
            "scales": np.array([scales], np.float32),
            "duration_noise": generator.standard_normal((1, 2, len(ids)), np.float32),
            "latent_noise": np.ascontiguousarray(
                generator.standard_normal((columns, manifest.latent_channels), np.float32).T[None]
            ),
        }
        if not self._takes_duration_noise:
            del feed["duration_noise"]
        chosen = {"speaker": speaker, "language": language, "style": style}
        feed |= {name: np.array([number], np.int64) for name, number in chosen.items() if name in self._choices}
        outputs = dict(zip(self._frontend_outputs, self._run(self._frontend, feed), strict=True))
        conditioning = outputs.get("conditioning")
        made = outputs[self._made][0]
        latent = Latent(made, outputs["durations"][0], None if conditioning is None else conditioning[0], made.shape[1])
        latent.pitch_factor = factor
        if self._flow is not None:
            self._begin_flow(latent, index)
        return latent

    def windows(self, frames: int) -> Iterator[Window]:
        """The decoder's windows over so many frames, in order."""
        voice, margins = self.voice, self.voice.manifest.decoder
        return windows(frames, voice.hop_length, voice.sample_rate, margins.left_margin, margins.right_margin)

    def decode(self, latent: Latent, window: Window) -> np.ndarray:
        """float32 samples [(end - start) x hop], -1..1, of one window."""
        for edge in latent.edges:
            if latent.known < window.high and edge > latent.known:
                piece = slice(latent.known, edge)
                latent.frames[:, piece], pitch = self._flow_between(latent, latent.known, edge)
                if latent.pitch is not None:
                    latent.pitch[piece] = pitch
                latent.known = edge
        samples = self._decode(latent, window.low, window.high)
        return samples[window.cut(self.voice.hop_length)]

    def decode_whole(self, latent: Latent) -> np.ndarray:
        """float32 samples [T x hop], -1..1, of one pass over all frames: what windows are compared with."""
        if latent.prior is not None:
            frames, pitch = self._flow_between(latent, 0, latent.length)
            latent = replace(latent, frames=frames, known=latent.length, pitch=pitch)
        return self._decode(latent, 0, latent.length)

    def _begin_flow(self, latent: Latent, index: int) -> None:
        """Nothing is known yet; only of the first passage, for which somebody waits, a first piece comes alone."""
        manifest = self.voice.manifest
        latent.prior, latent.frames, latent.known = latent.frames, np.empty_like(latent.frames), 0
        latent.edges = (latent.length,)
        if self._noise_channels:
            latent.pitch = np.empty(latent.length, np.float32)
        if index == 0 and latent.length and manifest.flow:
            first = next(self.windows(latent.length))
            latent.edges = flow_edges(latent.length, first.high, manifest.flow.left_margin, manifest.flow.right_margin)

    def _flow_between(self, latent: Latent, start: int, end: int) -> tuple[np.ndarray, np.ndarray | None]:
        """float32 [C, end - start], and the pitch [end - start]: the flow over these frames and the margins, which are
        cut off again.
        """
        margins, prior = self.voice.manifest.flow, latent.prior
        assert self._flow is not None and margins is not None and prior is not None
        low, high = max(0, start - margins.left_margin), min(latent.length, end + margins.right_margin)
        feed = {"prior": np.ascontiguousarray(prior[None, :, low:high])}
        if self._flow_takes_conditioning and latent.conditioning is not None:
            feed["conditioning"] = latent.conditioning[None]
        frames, *pitch = self._run(self._flow, feed, self._flow_makes)
        own = slice(start - low, end - low)
        if not pitch:
            return frames[0, :, own], None
        return frames[0, :, own], np.clip(pitch[0][0, own] * np.float32(latent.pitch_factor), *PITCH_RANGE)

    def _decode(self, latent: Latent, low: int, high: int) -> np.ndarray:
        feed = {"latent": np.ascontiguousarray(latent.frames[None, :, low:high])}
        if self._takes_conditioning and latent.conditioning is not None:
            feed["conditioning"] = latent.conditioning[None]
        if latent.pitch is not None:
            voice, pitch = self.voice, latent.pitch[: latent.known]
            feed["pitch"] = pitch[None, low:high]
            feed["phase"] = carried_phase(pitch, voice.hop_length, voice.sample_rate)[None, low:high]
            feed["noise"] = noise_frames(self._noise_channels, low, high)[None]
        return self._run(self._decoder, feed, ["audio"])[0].reshape(-1)

    def _run(self, session: onnxruntime.InferenceSession, feed: dict, outputs: list[str] | None = None) -> list:
        try:
            return session.run(outputs, feed)
        except Exception as error:
            reason = str(error).splitlines()[0][:200].rstrip(".")
            raise VoiceError(f"The voice {self.voice.name} cannot be run: {reason}.") from error


def carried_phase(pitch: np.ndarray, hop_length: int, sample_rate: int) -> np.ndarray:
    """Turns, float32 [frames], 0..1, at the beginning of each frame, of its pitch: [frames], Hz; the first is 0.

    A frame's pitch holds at its middle and glides to the next one's. No frame after it changes a frame's phase.
    """
    padded = np.pad(pitch.astype(np.float64), 1, mode="edge")
    between = 0.5 * (padded[:-1] + padded[1:])
    turns = np.cumsum(0.5 * (between[:-1] + between[1:])) * (hop_length / sample_rate)
    before = np.concatenate([[0.0], turns[:-1]])
    return (before - np.floor(before)).astype(np.float32)


def _session(voice: Voice, name: str, model: bytes, threads: int) -> onnxruntime.InferenceSession:
    try:
        return open_session(model, threads)
    except Exception as error:
        raise VoiceError(f"{voice.package.source}: {name} cannot be loaded by onnxruntime; export it again.") from error


def _names(voice: Voice, name: str, nodes: list, *wanted: str) -> list[str]:
    names = [node.name for node in nodes]
    missing = [w for w in wanted if w not in names]
    if missing:
        raise VoiceError(f"{voice.package.source}: {name} has no {', '.join(missing)}; export the voice again.")
    return names
