"""A speech written to disk as it is made, in the format that the ending names; headers are completed at the end."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from swaram.audio.encoders import MEDIA_TYPES, SpeechEncoder, open_encoder
from swaram.audio.flac import to_integers
from swaram.files import whole_file
from swaram.voice.errors import SpeechError

FORMATS = {".flac": "flac", ".wav": "wav", ".mp3": "mp3", ".opus": "opus", ".ogg": "opus", ".pcm": "pcm", ".raw": "pcm"}


def write_speech(path: str | Path, parts: Iterable[np.ndarray], sample_rate: int, form: str | None = None) -> int:
    """Write float32 parts [n], -1..1, mono, as a file of 16 bits or of a lossy format; return the number of samples.

    ``form``: one of flac, wav, mp3, opus, pcm, where the ending is to say nothing. The file appears whole or not at
    all; what is no plain file (a pipe, a device) is written as it comes. Raises SpeechError when the ending is none of
    ``FORMATS``, or the file cannot be written.
    """
    path = Path(path)
    if form is None and path.suffix.lower() not in FORMATS:
        raise SpeechError(f"{path}: the ending must be one of {', '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise SpeechError(f"{path}: the folder {path.parent} does not exist; make it first.")
    form = form or FORMATS[path.suffix.lower()]
    _check(form)
    if path.exists() and not path.is_file() and not path.is_dir():
        with open(path, "wb") as stream:
            return write_stream(stream, form, parts, sample_rate)
    with whole_file(path, SpeechError) as partial, open(partial, "wb") as file:
        encoder = open_encoder(form, sample_rate)
        samples = _write(file, encoder, parts)
        if encoder.final_header:
            file.seek(0)
            file.write(encoder.final_header)
        return samples


def write_stream(stream: BinaryIO, form: str, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    """As ``write_speech``, into a stream that cannot go back: its header leaves the length open."""
    _check(form)
    return _write(stream, open_encoder(form, sample_rate), parts)


def _check(form: str) -> None:
    if form not in MEDIA_TYPES:
        raise SpeechError(f"The format {form} is not written; choose one of {', '.join(MEDIA_TYPES)}.")


def _write(file: BinaryIO, encoder: SpeechEncoder, parts: Iterable[np.ndarray]) -> int:
    file.write(encoder.header)
    for part in parts:
        file.writelines(encoder.encode(to_integers(part)))
        file.flush()
    file.writelines(encoder.finish())
    file.flush()
    return encoder.samples
