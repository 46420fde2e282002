"""The words of a text as somebody wrote it, each with the sounds that are to be found for it in a recording."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest

from swaram.alignment.sounds import has_sounds, in_sounds
from swaram.text.frontend import TextFrontend

TAG = re.compile(r"<[^<>]{0,60}>|\[[^\[\]]{0,80}\]")
_TOKEN = re.compile(r"\S+")
_ENDS = ".?!।॥۔؟꯫᱾᱿"
_CLAUSES = ",;:،؛…–—-"
_WRITTEN = re.compile(r"[^\W_]")
_CLOSING = "\"'”’)]}»*_"

NO_MARK, CLAUSE, SENTENCE = 0, 1, 2

# Sounds as ``sounds`` has them, of scripts without the common layout. In Arabic script, where one letter is a
# consonant or a long vowel, the vowel; short vowels that are not written have no sound.
_LETTERS = (
    ("a", "aاَٰعءᱟꯥꯑ"), ("i", "iyیيىِئᱤꯤꯏꯢ"), ("u", "uُᱩꯨꯎ"), ("e", "eےێۍᱮꯦ"), ("o", "oوۄۆۏᱚᱳꯣ"),
    ("E", "ꯩ"), ("O", "ꯧ"), ("k", "cgkqxخغقکكگڪڳᱠᱜꯀꯈꯒꯘꯛ"), ("c", "jجچڃڄڇᱪᱡꯆꯓꯖ"), ("t", "ٹڈٽڊڏڍᱴᱰ"),
    ("T", "tdتطدڌٺٿةᱛᱫꯇꯊꯗꯙꯠ"), ("p", "bfpبپفٻڀڦᱵᱯꯄꯐꯕꯚꯞ"), ("s", "szثسشصضزذظژᱥꯁ"), ("h", "hحهہھۂۃᱦᱷꯍ"),
    ("m", "mمᱢꯃꯝ"), ("n", "nنڻڱᱱᱬᱧꯅꯟ"), ("N", "ںᱝꯉꯡꯪ"), ("l", "lلᱞꯂꯜ"), ("r", "rرڑڙᱨᱲꯔ"), ("v", "vwᱣᱶꯋ"), ("y", "ᱭꯌ"),
)  # fmt: skip
_OTHER_SCRIPTS = {letter: sound for sound, letters in _LETTERS for letter in letters}


@dataclass(frozen=True)
class Word:
    """One word, or several that are read as one (an amount with its currency).

    ``start`` and ``end``: characters of the text. ``text``: what stands there. ``sounds``: one character a sound,
    never empty. ``mark``: what follows it, ``NO_MARK``, ``CLAUSE`` (a comma and the like) or ``SENTENCE`` (a full
    stop, the end of a line).
    """

    text: str
    start: int
    end: int
    sounds: str
    mark: int = NO_MARK


def words_of(text: str, frontend: TextFrontend) -> list[Word]:
    """The words of a text in order; tokens without a sound (a dash, a tag) belong to the word before them.

    Each character of the text but for spaces belongs to one word; none where nothing of it can be spoken.
    """
    plain = TAG.sub(lambda match: " " * len(match.group()), text)
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    token_of = {place: number for number, (start, end) in enumerate(tokens) for place in range(start, end)}
    groups = list(range(len(tokens)))  # tokens of one number are one word
    sounds: dict[int, list[str]] = {}
    ends: set[int] = set()  # characters with which a sentence of the front end stops, which knows abbreviations
    for sentence in frontend.analyse(plain).sentences:
        for match in _TOKEN.finditer(sentence.text):
            origins = [token_of[place] for place in sentence.origins[match.start() : match.end()] if place in token_of]
            if origins:
                first, last = min(origins), max(origins)
                for token in range(first + 1, last + 1):
                    groups[token] = min(groups[token], first)
                sounds.setdefault(first, []).append(match.group())
                if match.end() == len(sentence.text):
                    ends.add(last)
                if last == first and first + 1 < len(tokens) and not _WRITTEN.search(text[slice(*tokens[first])]):
                    groups[first + 1] = min(groups[first + 1], first)  # a sign of currency and its amount
    stops = {tokens[number][1] for number in ends}
    words: list[Word] = []
    waiting: list[int] = []  # tokens before the first word
    for start, end, said in _joined(tokens, groups, sounds):
        found = units_of(" ".join(said))
        if not found:
            if words:
                words[-1] = _grown(text, words[-1], end)
            else:
                waiting.append(start)
            continue
        begin = waiting[0] if waiting else start
        waiting = []
        words.append(Word(text[begin:end], begin, end, found))
    return [_marked(text, word, following, stops) for word, following in zip_longest(words, words[1:])]


def units_of(spoken: str) -> str:
    """The coarse sounds of spoken text of any script, without spaces; what no table knows is left out."""
    if any(has_sounds(character) for character in spoken):
        return in_sounds(spoken).replace(" ", "")
    said = ""
    for character in unicodedata.normalize("NFKD", spoken.casefold()):
        for sound in _OTHER_SCRIPTS.get(character, ""):
            said += "" if said.endswith(sound) else sound
    return said


def _joined(
    tokens: list[tuple[int, int]], groups: list[int], sounds: dict[int, list[str]]
) -> list[tuple[int, int, list[str]]]:
    """(start, end, spoken words) of each group of tokens."""
    joined: list[tuple[int, int, list[str]]] = []
    for number, (start, end) in enumerate(tokens):
        said = sounds.get(number, [])
        if groups[number] < number and joined:
            before = joined.pop()
            joined.append((before[0], end, before[2] + said))
        else:
            joined.append((start, end, said))
    return joined


def _grown(text: str, word: Word, end: int) -> Word:
    return Word(text[word.start : end], word.start, end, word.sounds)


def _marked(text: str, word: Word, following: Word | None, stops: set[int]) -> Word:
    between = text[word.end : following.start] if following else "\n"
    last = TAG.sub("", word.text).rstrip().rstrip(_CLOSING)[-1:]
    mark = NO_MARK
    ends_sentence = any(word.start < stop <= word.end for stop in stops)
    if "\n" in between or (last and last in _ENDS and ends_sentence):
        mark = SENTENCE
    elif last and last in _CLAUSES + _ENDS:
        mark = CLAUSE
    return Word(word.text, word.start, word.end, word.sounds, mark)
