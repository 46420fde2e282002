"""A voice that is open: what it is called, which languages it reads, who speaks."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from swaram.languages import LanguageError, get_language
from swaram.text.symbols import SymbolTable
from swaram.voice.errors import SpeechError
from swaram.voice.package import Speaker, VoiceManifest, VoicePackage, open_package


@dataclass(frozen=True)
class Voice:
    """One opened voice package."""

    package: VoicePackage
    name: str

    @classmethod
    def open(cls, path: str | Path) -> "Voice":
        """Open a folder or a zip. Raises VoiceError."""
        package = open_package(path)
        return cls(package, package.manifest.name)

    def named(self, name: str) -> "Voice":
        """The same voice under another name."""
        return replace(self, name=name)

    @property
    def manifest(self) -> VoiceManifest:
        """Everything that ``voice.json`` says."""
        return self.package.manifest

    @property
    def symbols(self) -> SymbolTable:
        """The symbols the voice reads."""
        return self.package.symbols

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.manifest.sample_rate

    @property
    def hop_length(self) -> int:
        """Samples in one latent frame."""
        return self.manifest.hop_length

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages, the main one first."""
        return tuple(dict.fromkeys((self.manifest.language, *self.manifest.languages)))

    def find_speaker(self, wanted: str | int | None) -> Speaker | None:
        """The speaker of a name (case does not matter) or an id, by default the default one.

        ``None`` comes back from voices with one, unlisted speaker. Raises SpeechError for an unknown one.
        """
        speakers = self.manifest.speakers
        if wanted is None or wanted == "":
            default = self.manifest.default_speaker
            return next((s for s in speakers if s.id == default), speakers[0] if speakers else None)
        text = str(wanted).strip().casefold()
        for speaker in speakers:
            if speaker.name.casefold() == text:
                return speaker
        for speaker in speakers:
            if str(speaker.id) == text:
                return speaker
        if not speakers:
            raise SpeechError(f"The voice {self.name} has a single speaker; leave the speaker out.")
        names = ", ".join(f"{s.name} ({s.id})" for s in speakers[:20])
        raise SpeechError(f"The voice {self.name} has no such speaker; choose one of {names}.")

    def find_style(self, wanted: str | None) -> int:
        """The number of a style (case does not matter), by default the voice's own; 0 where it has none.

        Raises SpeechError for one that the voice does not know.
        """
        styles = self.manifest.styles
        if not wanted:
            return self.manifest.default_style if styles else 0
        for number, style in enumerate(styles):
            if style.casefold() == wanted.strip().casefold():
                return number
        if not styles:
            raise SpeechError(f"The voice {self.name} has a single style; leave the style out.")
        raise SpeechError(f"The voice {self.name} has no such style; choose one of {', '.join(styles)}.")

    def pitch_factor(self, semitones: float) -> float:
        """By what the pitch of its speech is multiplied for so many semitones.

        Raises SpeechError for any but 0 where the decoder is not driven by a pitch.
        """
        if semitones and self.manifest.source is None:
            raise SpeechError(
                f"The voice {self.name} makes its own pitch, which cannot be changed; leave the pitch out."
            )
        return 2 ** (semitones / 12)

    def language_number(self, code: str) -> int:
        """The number by which the models know a language: its place in the manifest's list; 0 beyond it."""
        listed = self.manifest.languages
        return listed.index(code) if code in listed else 0

    def find_language(self, wanted: str | None) -> str:
        """The code of a language this voice reads. Raises SpeechError for one it does not read."""
        if not wanted:
            return self.languages[0]
        for code in self.languages:
            if code.casefold() == wanted.strip().casefold():
                return code
        try:
            code = get_language(wanted).code
        except LanguageError as error:
            if "Hindi" in str(error):
                raise SpeechError(str(error)) from None
        else:
            if code in self.languages:
                return code
        raise SpeechError(f"The voice {self.name} reads {', '.join(self.languages)}, not the language asked for.")
