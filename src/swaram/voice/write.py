"""A speech written to disk as it is made: FLAC with its header completed at the end, or WAV."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from swaram.audio.flac import FlacEncoder, to_integers
from swaram.files import whole_file
from swaram.voice.errors import SpeechError

FORMATS = (".flac", ".wav")


def write_speech(path: str | Path, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    """Write float32 parts [n], -1..1, mono, as a 16-bit file; return the number of samples.

    The file appears whole or not at all. Raises SpeechError when the ending is none of ``FORMATS``, or the
    file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SpeechError(f"{path}: the ending must be {' or '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise SpeechError(f"{path}: the folder {path.parent} does not exist; make it first.")
    write = _write_flac if path.suffix.lower() == ".flac" else _write_wav
    with whole_file(path, SpeechError) as partial:
        return write(str(partial), parts, sample_rate)


def _write_flac(path: str, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    encoder = FlacEncoder(sample_rate)
    with open(path, "wb") as file:
        file.write(encoder.header)
        for part in parts:
            file.writelines(encoder.encode(to_integers(part)))
        file.writelines(encoder.finish())
        file.seek(0)
        file.write(encoder.final_header)
    return encoder.samples


def _write_wav(path: str, parts: Iterable[np.ndarray], sample_rate: int) -> int:
    with soundfile.SoundFile(path, "w", sample_rate, 1, "PCM_16", format="WAV") as file:
        for part in parts:
            file.write(to_integers(part).astype(np.int16))
        return file.frames
