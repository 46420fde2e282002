"""Every threshold of preparation, typed, with defaults that are right for training a text-to-speech voice."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swaram.config.files import LayerError, read_layers
from swaram.errors import SwaramError
from swaram.validation import first_problem


class SettingsError(SwaramError):
    """A setting that is unknown or out of range; the message names the file and the key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AudioSettings(_Section):
    """What the clips are turned into."""

    sample_rate: int = Field(default=16_000, ge=8_000, le=48_000, description="Hz of the written clips")
    format: Literal["flac", "wav"] = "flac"
    high_pass: float = Field(default=50.0, ge=0, le=200, description="Hz; 0 switches it off")
    denoise: bool = Field(default=False, description="take the background out of the speech (pyrnnoise)")
    margin_before: float = Field(default=0.06, ge=0, le=0.5, description="seconds kept before the first speech")
    margin_after: float = Field(default=0.09, ge=0, le=0.5, description="seconds kept after the last speech")
    loudness: float = Field(default=-23.0, ge=-40, le=-10, description="LUFS")
    true_peak: float = Field(default=-1.0, ge=-20, le=0, description="dB below full scale that no peak passes")
    longest_pause: float = Field(default=0.5, gt=0, description="seconds; an inner silence beyond it is shortened")
    shortened_pause: float = Field(default=0.4, gt=0, description="seconds that stay of a shortened silence")


class DescriptionSettings(_Section):
    """What the corpus may say of a clip."""

    licences: tuple[str, ...] = Field(
        default=("CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0", "MIT", "Apache-2.0"),
        description="licences that allow a voice to be trained and given away",
    )
    cleared_of_news: tuple[str, ...] = Field(
        default=(),
        description="sources (such as kathbath) that the news gate lets pass though nobody cleared their texts",
    )
    decisions: tuple[str, ...] = Field(default=("excellent", "good"), description="reviewers' verdicts that pass")
    flags: tuple[str, ...] = Field(default=(
            "interviewer", "unclear_audio", "noise_intermittent", "noise_persistent", "chatter_intermittent",
            "chatter_persistent", "echo_present", "low_volume", "mispronunciation", "wrong_language", "stretching",
            "skipping_words", "repeating_content", "incorrect_text_prompt", "reading_prompt",
            "bad_extempore_quality", "wrong_gender", "duplicate_speaker", "long_pauses",
            "objectionable_content",
        ),
        description="reviewers' flags that leave a clip out",
    )  # fmt: skip
    max_stated_cer: float = Field(default=0.1, ge=0, description="character error rate that the corpus states itself")
    min_stated_snr: float = Field(default=20.0, description="dB, where the corpus states it itself")


class SoundSettings(_Section):
    """When a recording is left out."""

    min_duration: float = Field(default=1.0, ge=0, description="seconds after trimming")
    max_duration: float = Field(default=15.0, gt=0, description="seconds after trimming")
    max_source_duration: float = Field(default=60.0, gt=0, description="seconds as recorded")
    max_duration_error: float = Field(
        default=0.5, ge=0, description="seconds between the stated length and the real one"
    )
    max_clipped: float = Field(default=1e-4, ge=0, le=1, description="share of samples in runs of three at full scale")
    min_level: float = Field(default=-45.0, description="dBFS of the speech before levelling")
    min_snr: float = Field(default=20.0, description="dB, where the recording has a noise floor to measure")
    allow_steady_noise: bool = Field(
        default=False, description="let a steady background (drone, hum, fan) pass down to min_steady_snr"
    )
    min_steady_snr: float = Field(default=5.0, description="dB, of a steady background that is allowed")
    min_bandwidth: float = Field(
        default=4_100.0, ge=0, description="Hz up to which there is speech; telephones end below"
    )
    max_pause: float = Field(
        default=2.0, gt=0, description="seconds; one longer inner silence and the clip is left out"
    )
    max_pauses_removed: float = Field(default=2.0, gt=0, description="seconds of inner silence removed in all")


class TranscriptSettings(_Section):
    """When a transcript is left out, and with it its clip."""

    min_script_share: float = Field(default=0.98, ge=0, le=1, description="share of letters in the language's script")
    dropping_tags: tuple[str, ...] = Field(default=(
            "unintelligible", "inaudible", "unclear", "overlap", "crosstalk", "foreign", "music", "laugh", "laughter",
            "cough", "child", "baby", "pii",
        ),
        description="tags such as <unintelligible> for sounds that a transcript cannot stand for",
    )  # fmt: skip
    digits: Literal["words", "drop"] = Field(
        default="words", description="numbers: spoken as the front end does, or out"
    )
    min_characters_per_second: float = Field(default=4.0, ge=0)
    max_characters_per_second: float = Field(default=25.0, gt=0)


class CollectionSettings(_Section):
    """What only shows when all clips are known."""

    max_rate_deviation: float = Field(
        default=3.5, gt=0, description="robust z of the logarithm of characters per second, per language"
    )
    min_clips_for_rate: int = Field(default=30, ge=2, description="clips of a language before rates are compared")
    readings_per_speaker: int = Field(default=2, ge=1, description="how often one speaker may read the same text")


class AlignmentSettings(_Section):
    """When recordings are cut into pieces, and texts compared with what is heard."""

    split: bool = Field(default=True, description="cut what is too long, or pauses too long, instead of leaving it out")
    sentences: bool = Field(default=False, description="cut at every end of a sentence that has a silence")
    check: bool = Field(default=True, description="leave out clips whose text is not what is heard")
    min_clips_for_check: int = Field(default=20, ge=1, description="clips before texts are compared with what is heard")


class SplitSettings(_Section):
    """Which clips are for training, validation and testing."""

    mode: Literal["stratified", "speaker"] = "stratified"
    validation: float = Field(default=0.03, ge=0, le=0.5, description="share of texts (of speakers in mode speaker)")
    test: float = Field(default=0.05, ge=0, le=0.5, description="share of texts (of speakers in mode speaker)")


class PrepareSettings(_Section):
    """The whole of it: one section for what is written, one for each kind of gate, one for the splits."""

    audio: AudioSettings = Field(default_factory=AudioSettings)
    description: DescriptionSettings = Field(default_factory=DescriptionSettings)
    sound: SoundSettings = Field(default_factory=SoundSettings)
    transcript: TranscriptSettings = Field(default_factory=TranscriptSettings)
    collection: CollectionSettings = Field(default_factory=CollectionSettings)
    alignment: AlignmentSettings = Field(default_factory=AlignmentSettings)
    split: SplitSettings = Field(default_factory=SplitSettings)


def load_settings(path: Path | None, **changes: dict[str, Any]) -> PrepareSettings:
    """Settings from the ``prepare`` section of a JSON file (or a file that is only that section), and changes.

    ``changes`` are sections with the keys to override. Raises ``SettingsError`` naming the key.
    """
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = read_layers(path)
        except LayerError as error:
            raise SettingsError(str(error)) from error
        if not isinstance(tree, dict):
            raise SettingsError(f"{path}: the settings must be a JSON object with sections such as 'audio'")
        whole = {"prepare", "train", "data", "model"} & tree.keys()  # a config.json, or the section alone
        tree = tree.get("prepare", {}) if whole else tree
    for section, keys in changes.items():
        tree = {**tree, section: {**tree.get(section, {}), **keys}}
    try:
        return PrepareSettings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(f"{path or 'settings'}: {first_problem(error, PrepareSettings)}") from error
