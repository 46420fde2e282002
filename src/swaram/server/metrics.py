"""What ``GET /metrics`` tells Prometheus: seconds, counts and sizes, never a text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from swaram import __version__

_SECONDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)
_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


class Metrics:
    """The instruments of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.first_audio = self._histogram(
            "tts_time_to_first_audio_seconds", "From text to first frame.", _SECONDS, "voice"
        )
        self.duration = self._histogram(
            "tts_request_duration_seconds", "From start to done.", (*_SECONDS, 10, 30, 60, 120), "voice", "outcome"
        )
        self.stage = self._histogram("tts_stage_duration_seconds", "Computing of one step.", _STEPS, "stage")
        self.wait = self._histogram("tts_queue_wait_seconds", "Waiting of one step for a worker.", _STEPS, "stage")
        self.factor = self._histogram("tts_real_time_factor", "Computing for each second of speech.", _FACTORS, "voice")
        self.audio = self._counter("tts_audio_seconds", "Seconds of speech sent.", "voice")
        self.characters = self._counter("tts_input_characters", "Characters asked for.", "voice")
        self.output = self._counter("tts_output_bytes", "Bytes of sound sent.", "format")
        self.underruns = self._counter("tts_underrun", "Windows that were ready after their moment had passed.")
        self.cancelled = self._counter("tts_cancelled", "Requests that ended early.", "reason")
        self.rejected = self._counter("tts_rejected", "Requests and connections that were refused.", "reason")
        self.errors = self._counter("tts_errors", "Errors told to clients.", "code")
        self.converted = self._counter("tts_convert_requests", "Conversions.", "transport", "outcome")
        self.transcribed = self._counter("stt_requests", "Transcriptions.", "outcome")
        self.streams = self._gauge("tts_active_sessions", "Requests being spoken.")
        self.connections = self._gauge("tts_connections", "Open WebSockets.")
        self.queue = self._gauge("tts_queue_depth", "Steps waiting for a worker.")
        self.model = Gauge(
            "tts_model_info", "Voices being served.", ["voice", "sha256", "version"], registry=self._registry
        )

    def add_voice(self, name: str, sha256: str) -> None:
        """Say that a voice is served."""
        self.model.labels(name, sha256[:16], __version__).set(1)

    def remove_voice(self, name: str, sha256: str) -> None:
        """Say so no longer."""
        self.model.remove(name, sha256[:16], __version__)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry)
