"""The proof that ``make run`` shows: one sentence through the server's own WebSocket into a FLAC file."""

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from swaram.audio.flac_format import HEADER_BYTES
from swaram.errors import SwaramError

SENTENCES = {
    "ml": "നമസ്കാരം, ഞാൻ സ്വരം ആണ്. നിങ്ങൾ എഴുതുന്നത് ഞാൻ വായിക്കും.",
}


class ProofError(SwaramError):
    """The server did not speak as it should."""


@dataclass(frozen=True)
class Proof:
    """What a client saw: seconds of sound, seconds to the first FLAC frame and to the last, real-time factor."""

    path: Path
    seconds: float
    first_audio: float
    total: float
    real_time_factor: float


def prove(address: str, path: Path, text: str = SENTENCES["ml"], voice: str | None = None) -> Proof:
    """Speak ``text`` through the WebSocket of the server at ``address`` into ``path``. Raises ProofError."""
    begun = time.perf_counter()
    first: float | None = None
    frames: list[bytes] = []
    try:
        with connect(address.replace("http", "ws", 1) + "/v1/speak", compression=None, proxy=None) as socket:
            json.loads(socket.recv(timeout=30))
            begun = time.perf_counter()
            request = {"type": "start", "text": text, "marks": "none", "pace": False, "language": "ml"}
            socket.send(json.dumps(request | ({"voice": voice} if voice else {})))
            while True:
                message = socket.recv(timeout=60)
                if isinstance(message, bytes):
                    frames.append(message)
                    if first is None and len(frames) == 2:  # the first message is the header
                        first = time.perf_counter() - begun
                    continue
                told = json.loads(message)
                if told["type"] == "error":
                    raise ProofError(f"The server could not speak: {told['message']}")
                if told["type"] == "done":
                    break
    except (OSError, TimeoutError, WebSocketException) as error:
        raise ProofError(f"The server at {address} could not be spoken to ({type(error).__name__}).") from error
    total = time.perf_counter() - begun
    header = base64.b64decode(told["header"])
    if len(header) != HEADER_BYTES or first is None:
        raise ProofError("The server sent no sound.")
    try:
        path.write_bytes(header + b"".join(frames[1:]))
    except OSError as error:
        raise ProofError(f"{path}: cannot be written ({error.strerror}).") from error
    return Proof(path, told["seconds"], first, total, told["real_time_factor"])
