"""A speech written to disk as it is made, in the format that the ending names; headers are completed at the end."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from swaram.audio.encoders import open_encoder
from swaram.audio.flac import to_integers
from swaram.files import whole_file
from swaram.voice.errors import SpeechError

FORMATS = {".flac": "flac", ".wav": "wav", ".mp3": "mp3", ".opus": "opus", ".ogg": "opus"}


def write_speech(path: str | Path, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    """Write float32 parts [n], -1..1, mono, as a file of 16 bits or of a lossy format; return the number of samples.

    The file appears whole or not at all. Raises SpeechError when the ending is none of ``FORMATS``, or the
    file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SpeechError(f"{path}: the ending must be one of {', '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise SpeechError(f"{path}: the folder {path.parent} does not exist; make it first.")
    with whole_file(path, SpeechError) as partial:
        return _write(partial, FORMATS[path.suffix.lower()], parts, sample_rate)


def _write(path: Path, form: str, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    encoder = open_encoder(form, sample_rate)
    with open(path, "wb") as file:
        file.write(encoder.header)
        for part in parts:
            file.writelines(encoder.encode(to_integers(part)))
        file.writelines(encoder.finish())
        if encoder.final_header:
            file.seek(0)
            file.write(encoder.final_header)
    return encoder.samples
