"""Every threshold of preparation, typed, with defaults that are right for training a text-to-speech voice."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AudioSettings(_Section):
    """What the clips are turned into."""

    sample_rate: int = Field(16_000, ge=8_000, le=48_000, description="Hz of the written clips")
    format: Literal["flac", "wav"] = "flac"
    high_pass: float = Field(50.0, ge=0, le=200, description="Hz; 0 switches it off")
    margin_before: float = Field(0.06, ge=0, le=0.5, description="seconds kept before the first speech")
    margin_after: float = Field(0.09, ge=0, le=0.5, description="seconds kept after the last speech")
    loudness: float = Field(-23.0, ge=-40, le=-10, description="LUFS")
    true_peak: float = Field(-1.0, ge=-20, le=0, description="dB below full scale that no peak passes")
    longest_pause: float = Field(0.5, gt=0, description="seconds; an inner silence beyond it is shortened")
    shortened_pause: float = Field(0.4, gt=0, description="seconds that stay of a shortened silence")


class GateSettings(_Section):
    """When a clip is left out."""

    min_duration: float = Field(1.0, ge=0, description="seconds after trimming")
    max_duration: float = Field(15.0, gt=0, description="seconds after trimming")
    max_clipped: float = Field(
        1e-3, ge=0, le=1, description="share of samples in runs of three at full scale"
    )
    min_level: float = Field(-45.0, description="dBFS of the speech before levelling")
    min_snr: float = Field(20.0, description="dB, where the recording has a noise floor to measure")
    max_pause: float = Field(
        2.0, gt=0, description="seconds; one longer inner silence and the clip is left out"
    )
    max_pauses_removed: float = Field(2.0, gt=0, description="seconds of inner silence removed in all")
    min_script_share: float = Field(0.98, ge=0, le=1, description="share of letters in the language's script")
    min_characters_per_second: float = Field(4.0, ge=0)
    max_characters_per_second: float = Field(25.0, gt=0)
    max_rate_deviation: float = Field(
        3.0, gt=0, description="robust z of characters per second, per language"
    )


class SplitSettings(_Section):
    """Which clips are for training, validation and testing."""

    mode: Literal["stratified", "speaker"] = "stratified"
    validation: float = Field(0.03, ge=0, le=0.5, description="share of texts (of speakers in mode speaker)")
    test: float = Field(0.05, ge=0, le=0.5, description="share of texts (of speakers in mode speaker)")


class PrepareSettings(_Section):
    """The whole of it; ``swaram prepare`` reads it from the ``prepare`` section of a JSON file."""

    audio: AudioSettings = AudioSettings()
    gates: GateSettings = GateSettings()
    split: SplitSettings = SplitSettings()
