"""Traces, for whoever runs OpenTelemetry: one span a request, with lengths and times and never a text.

Nothing is imported, and nothing costs anything, unless the environment names where traces go, with
OpenTelemetry's own variables (``OTEL_TRACES_EXPORTER`` or ``OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT``).
"""

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from swaram.errors import SwaramError
from swaram.extras import install_command

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Trace = Callable[[str, dict[str, Any], float, bool], None]
_WHERE = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_MISSING = "Traces are asked for by OTEL_* but {name} is not installed; {install}, or unset them."


class TelemetryError(SwaramError):
    """Traces that are asked for and cannot be sent."""


def is_configured() -> bool:
    """Whether the environment asks for traces."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(os.environ.get(name) for name in _WHERE)


class Telemetry:
    """Where spans go; ``close`` sends what is left."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace import Status, StatusCode

        self._provider, self._status, self._error = provider, Status, StatusCode.ERROR
        self._tracer = provider.get_tracer("swaram.server")

    def trace(self, name: str, facts: dict[str, Any], seconds: float, failed: bool) -> None:
        """A span that ends now and has lasted ``seconds``; ``facts`` become its ``swaram.*`` attributes."""
        end = time.time_ns()
        known = {f"swaram.{key}": value for key, value in facts.items() if value is not None}
        span = self._tracer.start_span(name, attributes=known, start_time=end - round(1e9 * seconds))
        if failed:
            span.set_status(self._status(self._error))
        span.end(end)

    def close(self) -> None:
        """Send the spans that wait, and stop."""
        self._provider.shutdown()


def open_telemetry() -> Telemetry | None:
    """Where this server's spans go, or None when nobody asked. Raises TelemetryError when a package is missing."""
    if not is_configured():
        return None
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp") not in ("otlp", "console"):
        raise TelemetryError("OTEL_TRACES_EXPORTER must be otlp, console or none.")
    try:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

        exporter: SpanExporter
        if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
            exporter = ConsoleSpanExporter(out=sys.stdout)
        else:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
    except ImportError as error:
        raise TelemetryError(_MISSING.format(name=error.name, install=install_command("telemetry"))) from None
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "swaram"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Telemetry(provider)
