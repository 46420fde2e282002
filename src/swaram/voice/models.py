"""The ONNX models of a voice, run as the contract in docs/architecture.md says: front end, flow, decoder.

Beside them stands what the decoder is driven by in voices with a pitch: the phase that the pitch has come to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import onnxruntime

from swaram.audio.noise import noise_frames
from swaram.runtime.carried import carry_state
from swaram.runtime.session import give_back_memory, open_session
from swaram.runtime.stepping import Progress, Stepper
from swaram.voice.errors import VoiceError
from swaram.voice.reader import Passage
from swaram.voice.request import MAX_PITCH, MAX_SPEED, MIN_SPEED, SpeechRequest
from swaram.voice.voice import Voice
from swaram.voice.windows import Window, flow_edges, flow_pieces, windows

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
    ``flowed`` and ``decoded``: how far flow and decoder have come, where they carry their state.
    """

    frames: np.ndarray
    durations: np.ndarray
    conditioning: np.ndarray | None
    known: int
    prior: np.ndarray | None = None
    edges: tuple[int, ...] = ()
    pitch: np.ndarray | None = None
    pitch_factor: float = 1.0
    flowed: Progress = field(default_factory=Progress)
    decoded: Progress = field(default_factory=Progress)

    @property
    def length(self) -> int:
        """T, in frames."""
        return self.frames.shape[1]


class Models:
    """Front end, flow and decoder of one voice, each an onnxruntime session of ``threads`` threads.

    Flow and decoder carry their state from window to window where their graphs can be rewritten so
    (``runtime/carried.py``), and are run with margins where they cannot. Runs may come from several threads at once,
    those of one ``Latent`` one after another. Raises VoiceError when the models are not of the contract.
    """

    def __init__(self, voice: Voice, threads: int = 1) -> None:
        self.voice, self._threads = voice, threads
        package, source = voice.package, voice.manifest.source
        self._frontend = _session(voice, "frontend.onnx", package.frontend, threads, keep_memory=True)
        self._made = "latent" if package.flow is None else "prior"
        self._frontend_outputs = _names(voice, "frontend.onnx", self._frontend.get_outputs(), self._made, "durations")
        inputs = _names(voice, "frontend.onnx", self._frontend.get_inputs(), "symbols", "lengths", "scales")
        self._choices = {"speaker", "language", "style"} & set(inputs)
        self._takes_duration_noise = "duration_noise" in inputs
        self._noise_channels = source.noise_channels if source else 0
        self._flow_makes = ["latent"] if source is None else ["latent", "pitch"]
        channels = voice.manifest.latent_channels
        self._driven: dict[str, int | None] = {"latent": channels}
        if source:
            self._driven |= {"pitch": None, "phase": None, "noise": source.noise_channels}
        self.margins_because: dict[str, str] = {}  # by model, why it needs margins
        self._flow_steps = self._steps("flow.onnx", package.flow, {"prior": channels}, self._flow_makes)
        self._decoder_steps = self._steps("decoder.onnx", package.decoder, self._driven, ["audio"])
        give_back_memory()

    @property
    def carries_state(self) -> dict[str, bool]:
        """Of flow (where there is one) and decoder, whether they go on where they stopped, or need margins."""
        flow = {} if self.voice.package.flow is None else {"flow": self._flow_steps is not None}
        return flow | {"decoder": self._decoder_steps is not None}

    def _steps(self, name: str, model: bytes | None, timed: dict[str, int | None], makes: list[str]) -> Stepper | None:
        """A model that carries its state. None where it stays as it is, and is opened."""
        if model is None:
            return None
        manifest = self.voice.manifest
        margins = manifest.flow if name == "flow.onnx" else manifest.decoder
        try:
            assert margins is not None
            return Stepper(carry_state(model, timed, makes, margins.left_margin, margins.right_margin), self._threads)
        except Exception as error:
            # Whatever the reason: the model as it is says best what is wrong with it, if anything is.
            self.margins_because[name] = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
            _ = self._flow if name == "flow.onnx" else self._decoder
            return None

    @cached_property
    def _flow(self) -> onnxruntime.InferenceSession:
        """The flow as it lies in the package."""
        voice, model = self.voice, self.voice.package.flow
        assert model is not None
        session = _session(voice, "flow.onnx", model, self._threads)
        _names(voice, "flow.onnx", session.get_outputs(), *self._flow_makes)
        _names(voice, "flow.onnx", session.get_inputs(), "prior")
        return session

    @cached_property
    def _decoder(self) -> onnxruntime.InferenceSession:
        """The decoder as it lies in the package."""
        voice = self.voice
        session = _session(voice, "decoder.onnx", voice.package.decoder, self._threads)
        _names(voice, "decoder.onnx", session.get_outputs(), "audio")
        _names(voice, "decoder.onnx", session.get_inputs(), *self._driven)
        return session

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
        if self.voice.package.flow is not None:
            self._begin_flow(latent, index)
        return latent

    def windows(self, frames: int) -> Iterator[Window]:
        """The decoder's windows over so many frames, in order."""
        voice, margins, steps = self.voice, self.voice.manifest.decoder, self._decoder_steps
        left, right = (0, steps.ahead) if steps else (margins.left_margin, margins.right_margin)
        return windows(frames, voice.hop_length, voice.sample_rate, left, right)

    def decode(self, latent: Latent, window: Window) -> np.ndarray:
        """float32 samples [(end - start) x hop], -1..1, of one window; in order, or from the first one on again."""
        for edge in latent.edges:
            if latent.known < window.high and edge > latent.known:
                piece = slice(latent.known, edge)
                latent.frames[:, piece], pitch = self._flow_piece(latent, edge)
                if latent.pitch is not None:
                    latent.pitch[piece] = pitch
                latent.known = edge
        if self._decoder_steps is None:
            samples = self._decode(latent, window.low, window.high)
            return samples[window.cut(self.voice.hop_length)]
        if window.start == 0:
            latent.decoded = Progress()
        if window.start != latent.decoded.given:
            raise ValueError(f"frame {latent.decoded.given} comes next, not {window.start}")
        frames = {"latent": latent.frames[None]}
        if latent.pitch is not None:
            frames |= {"pitch": latent.pitch[None], "phase": self._phase(latent)}

        def cut(name: str, low: int, high: int) -> np.ndarray:
            if name == "noise":
                return noise_frames(self._noise_channels, low, high)[None]
            return np.ascontiguousarray(frames[name][..., low:high])

        return self._step(self._decoder_steps, latent.decoded, window.end, latent, cut)[0].reshape(-1)

    def decode_whole(self, latent: Latent) -> np.ndarray:
        """float32 samples [T x hop], -1..1, of one pass of the models as they are: what windows are compared with."""
        if latent.prior is not None:
            frames, pitch = self._flow_between(latent, 0, latent.length)
            latent = replace(latent, frames=frames, known=latent.length, pitch=pitch)
        return self._decode(latent, 0, latent.length)

    def _begin_flow(self, latent: Latent, index: int) -> None:
        """Nothing is known yet. Each window asks for what it needs; where the flow has margins only the first window of
        the first passage, for which somebody waits, has a piece of its own.
        """
        manifest = self.voice.manifest
        latent.prior, latent.frames, latent.known = latent.frames, np.empty_like(latent.frames), 0
        if self._noise_channels:
            latent.pitch = np.empty(latent.length, np.float32)
        highs = [window.high for window in self.windows(latent.length)]
        if self._flow_steps:
            latent.edges = flow_pieces(latent.length, highs, self._flow_steps.ahead)
        elif index == 0 and highs and manifest.flow:
            latent.edges = flow_edges(latent.length, highs[0], manifest.flow.left_margin, manifest.flow.right_margin)
        else:
            latent.edges = (latent.length,)

    def _flow_piece(self, latent: Latent, edge: int) -> tuple[np.ndarray, np.ndarray | None]:
        """float32 [C, edge - known], and the pitch: the flow's next frames."""
        steps, prior = self._flow_steps, latent.prior
        if steps is None:
            return self._flow_between(latent, latent.known, edge)
        assert prior is not None
        made = self._step(
            steps, latent.flowed, edge, latent, lambda _, low, high: np.ascontiguousarray(prior[None, :, low:high])
        )
        return self._flowed(latent, made)

    def _step(
        self,
        steps: Stepper,
        progress: Progress,
        end: int,
        latent: Latent,
        frames: Callable[[str, int, int], np.ndarray],
    ) -> list[np.ndarray]:
        constant = {} if latent.conditioning is None else {"conditioning": latent.conditioning[None]}
        try:
            return steps.step(progress, end, latent.length, frames, constant)
        except Exception as error:
            raise self._unsound(error) from error

    def _flowed(self, latent: Latent, made: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        """The flow's outputs for one passage, the pitch by its factor."""
        if len(made) == 1:
            return made[0][0], None
        return made[0][0], np.clip(made[1][0] * np.float32(latent.pitch_factor), *PITCH_RANGE)

    def _phase(self, latent: Latent) -> np.ndarray:
        """float32 [1, known]."""
        assert latent.pitch is not None
        return carried_phase(latent.pitch[: latent.known], self.voice.hop_length, self.voice.sample_rate)[None]

    def _flow_between(self, latent: Latent, start: int, end: int) -> tuple[np.ndarray, np.ndarray | None]:
        """float32 [C, end - start], and the pitch [end - start]: the flow over these frames and the margins, which are
        cut off again.
        """
        margins, prior = self.voice.manifest.flow, latent.prior
        assert margins is not None and prior is not None
        low, high = max(0, start - margins.left_margin), min(latent.length, end + margins.right_margin)
        feed = {"prior": np.ascontiguousarray(prior[None, :, low:high])}
        made = self._run(self._flow, self._with_conditioning(self._flow, latent, feed), self._flow_makes)
        return self._flowed(latent, [part[..., start - low : end - low] for part in made])

    def _decode(self, latent: Latent, low: int, high: int) -> np.ndarray:
        feed = {"latent": np.ascontiguousarray(latent.frames[None, :, low:high])}
        if latent.pitch is not None:
            feed["pitch"] = latent.pitch[None, low:high]
            feed["phase"] = self._phase(latent)[:, low:high]
            feed["noise"] = noise_frames(self._noise_channels, low, high)[None]
        feed = self._with_conditioning(self._decoder, latent, feed)
        return self._run(self._decoder, feed, ["audio"])[0].reshape(-1)

    def _with_conditioning(self, session: onnxruntime.InferenceSession, latent: Latent, feed: dict) -> dict:
        if latent.conditioning is None or all(given.name != "conditioning" for given in session.get_inputs()):
            return feed
        return feed | {"conditioning": latent.conditioning[None]}

    def _run(self, session: onnxruntime.InferenceSession, feed: dict, outputs: list[str] | None = None) -> list:
        try:
            return session.run(outputs, feed)
        except Exception as error:
            raise self._unsound(error) from error

    def _unsound(self, error: Exception) -> VoiceError:
        reason = (str(error).splitlines() or [""])[0][:200].rstrip(".")
        return VoiceError(f"The voice {self.voice.name} cannot be run: {reason}.")


def carried_phase(pitch: np.ndarray, hop_length: int, sample_rate: int) -> np.ndarray:
    """Turns, float32 [frames], 0..1, at the beginning of each frame, of its pitch: [frames], Hz; the first is 0.

    A frame's pitch holds at its middle and glides to the next one's. No frame after it changes a frame's phase.
    """
    padded = np.pad(pitch.astype(np.float64), 1, mode="edge")
    between = 0.5 * (padded[:-1] + padded[1:])
    turns = np.cumsum(0.5 * (between[:-1] + between[1:])) * (hop_length / sample_rate)
    before = np.concatenate([[0.0], turns[:-1]])
    return (before - np.floor(before)).astype(np.float32)


def _session(
    voice: Voice, name: str, model: bytes, threads: int, keep_memory: bool = False
) -> onnxruntime.InferenceSession:
    try:
        return open_session(model, threads, keep_memory=keep_memory)
    except Exception as error:
        raise VoiceError(f"{voice.package.source}: {name} cannot be loaded by onnxruntime; export it again.") from error


def _names(voice: Voice, name: str, nodes: list, *wanted: str) -> list[str]:
    names = [node.name for node in nodes]
    missing = [w for w in wanted if w not in names]
    if missing:
        raise VoiceError(f"{voice.package.source}: {name} has no {', '.join(missing)}; export the voice again.")
    return names
