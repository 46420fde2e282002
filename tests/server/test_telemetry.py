"""OpenTelemetry: one span a request, no text in it; not even an import for those who do not ask."""

import importlib.util
import subprocess
import sys

import httpx
import pytest

from swaram.server.telemetry import TelemetryError, open_telemetry
from tests.server.speech_client import listen_until, running, say, speak

has_sdk = importlib.util.find_spec("opentelemetry") and importlib.util.find_spec("opentelemetry.sdk")
needs_sdk = pytest.mark.skipif(not has_sdk, reason="opentelemetry-sdk is not installed")
OURS = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@pytest.fixture(autouse=True)
def unasked(monkeypatch):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


def test_without_configuration_nothing_is_imported(toy_voices):
    program = (
        "import sys; from swaram.server.service import Service; from swaram.server.settings import ServerSettings; "
        f"Service(ServerSettings(voices={str(toy_voices)!r}, workers=1)).close(); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
    assert open_telemetry() is None


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TelemetryError, match=r"pip install .*\[telemetry\]"):
        open_telemetry()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(TelemetryError, match="must be"):
        open_telemetry()


@needs_sdk
def test_every_request_is_one_span_without_text(toy_voices):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from swaram.server.telemetry import Telemetry

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    text = "അമ്മ വന്നു."
    with running(toy_voices) as server:
        server.service.telemetry = Telemetry(provider)
        speak(server, text)
        httpx.post(
            server.address + "/v1/audio/speech", json={"input": text, "response_format": "flac"}, trust_env=False
        )
        with server.websocket() as socket:
            say(socket, type="start", text=text * 20)
            listen_until(socket, "mark")
            say(socket, type="cancel")
            listen_until(socket, "cancelled")
        spans = exporter.get_finished_spans()
    assert [span.attributes["swaram.outcome"] for span in spans] == ["done", "done", "cancelled"]
    first = spans[0]
    assert first.name == "speech" and first.attributes["swaram.characters"] == len(text)
    assert 0 < first.attributes["swaram.computing_seconds"] <= (first.end_time - first.start_time) / 1e9 + 0.05
    assert not any("അ" in str(value) for span in spans for value in span.attributes.values())
    assert exporter._stopped  # closing the server sent what was left


@needs_sdk
def test_the_environment_alone_turns_it_on(toy_voices, monkeypatch, capfd):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    with running(toy_voices) as server:
        speak(server, "അമ്മ വന്നു.")
    told = capfd.readouterr().out
    assert '"swaram.outcome": "done"' in told and '"service.name": "swaram"' in told
