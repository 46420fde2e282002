"""Abbreviations, initials, web addresses and single signs (& @ # / + =), from each language's tables."""

import re
from collections.abc import Callable

from swaram.languages import Language
from swaram.text.letters import (
    LETTERS,
    MARKS,
    alternation,
    is_independent_vowel,
    is_letter,
    kind,
    letters_of_scripts,
    word_start,
)
from swaram.text.tables import load_table
from swaram.text.traced import TracedText
from swaram.text.wording import wording

_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_ADDRESS = re.compile(r"(?<![A-Za-z0-9])(?:https?://|www\.)[A-Za-z0-9-]+(?:[./?=&_~%#:+-]+[A-Za-z0-9]+)*/?")
_DOMAINS = "com|org|net|in|gov|edu|co|io|info|ai|app|dev|me|tv|biz|xyz|news|online|shop|store|tech|site|blog|bank|uk|us"
_SITE = re.compile(
    rf"(?<![A-Za-z0-9.@-])[A-Za-z][A-Za-z0-9-]{{0,62}}(?:\.[A-Za-z0-9-]{{1,63}})*\.(?:{_DOMAINS})"
    r"(?:/[A-Za-z0-9_-]+)*(?![A-Za-z0-9])"
)

# What a text must hold for a slower pattern to be looked for; each begins with one character or one class.
_SITE_END = re.compile(rf"\.(?:{_DOMAINS})(?![A-Za-z0-9])")
_TWO_DOTS = re.compile(r"\.[A-Z]\.")
_MATH_SIGN = re.compile("[≤≥≠≈√π∞∴∑Δαβγμ©®™θλσωΩ<>]")
_FI = re.compile(r"[Ff][Ii]\b")
_STOP = re.compile("[.۔]")

_DOTTED = re.compile(r"(?<![A-Za-z])(?:[A-Z]\.){2,}")
_LONGEST_SHORT_WORD = 8
_BEFORE_DIGIT = frozenset(load_table("latin")["before_digit"].split())
_AFTER_DIGIT = frozenset(load_table("latin")["after_digit"].split())
_MATHS = {
    "≤": "less than or equal to", "≥": "greater than or equal to", "≠": "not equal to", "≈": "approximately",
    "√": "square root of", "π": "pi", "∞": "infinity", "<": "less than", ">": "greater than", "∴": "therefore",
    "∑": "sum of", "Δ": "delta", "α": "alpha", "β": "beta", "γ": "gamma", "μ": "micro", "Ω": "ohm", "θ": "theta",
    "λ": "lambda", "σ": "sigma", "ω": "omega", "✓": "", "©": "copyright", "®": "registered", "™": "trademark",
}  # fmt: skip
_DAY_OR_STREET = re.compile("[MTWFSRAHBE](?:on|ue|ed|hu|ri|at|un|t|d|ve|wy|lvd|xpy)(?![a-z])|[T](?:ues|hurs)(?![a-z])")
_MATH = re.compile("[≤≥≠≈√π∞∴∑Δαβγμ©®™θλσωΩ]|(?<![^\\s\\d])[<>] ?(?=\\d)")
_HASHTAG = re.compile(f"#(?P<tag>[{LETTERS}][{LETTERS}0-9_]+)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+|(?<=[A-Za-z])(?=\d)")
_DECADE = re.compile(r"(?:(?<= )|^)'(?=\d\ds?(?![\d'A-Za-z]))")
_PARENTHESES = re.compile(
    r"(?<=[A-Z])\(([A-Z]{1,4})\)|(?<=[0-9)])\(([a-z]{1,3}|[ivx]{1,4}|\d{1,2})\)|(?<=[a-z])\((s)\)"
)
_DAYS = {"Mon": "monday", "Tue": "tuesday", "Tues": "tuesday", "Wed": "wednesday", "Thu": "thursday",
         "Thurs": "thursday", "Fri": "friday", "Sat": "saturday", "Sun": "sunday"}  # fmt: skip
_DAY = "|".join(sorted(_DAYS, key=len, reverse=True))
_TWO_DAYS = re.compile(rf"(?<![A-Za-z])({_DAY})\.? ?- ?({_DAY})(?![A-Za-z])")
_DAY_AND_DATE = re.compile(rf"(?<![A-Za-z])({_DAY})(?=\.?, ?\d)")
_STREETS = {"St": "street", "Rd": "road", "Ave": "avenue", "Hwy": "highway", "Blvd": "boulevard", "Expy": "expressway"}
_UNDOTTED_STREET = re.compile(r"(?<=[A-Za-z] )(St|Rd|Ave|Hwy|Blvd|Expy)(?=,|\n|$)")
_ABOUT = re.compile(r"(?:(?<= )|^)~ ?(?=\d)")
_INITIALS_AND = re.compile(r"(?<![A-Za-z])([A-Z]{1,3})&([A-Z]{1,3})(?![A-Za-z])")
_STREET = re.compile(r"(?P<number>\b\d+,? (?:[A-Z][a-z]+ )*)?[A-Z][a-z]+ $")
_OWN_NAMES = re.compile(r"\b(?:Wi-?Fi|WI-?FI|wi-fi|Hi-?Fi|hi-fi|Sci-?Fi|sci-fi)\b")


def syllables_of(scripts: str) -> tuple[str, str]:
    """Patterns for one written syllable, and for one without any sign, of the letters in a character class."""
    points = [chr(p) for p in range(0x900, 0xD80) if re.match(f"[{scripts}]", chr(p))]
    consonants = [c for c in points if kind(c) == "letter" and not is_independent_vowel(c)]
    vowels = [c for c in points if kind(c) == "letter" and is_independent_vowel(c)]
    signs = [c for c in points if kind(c) in ("sign", "final")]
    if not consonants:
        return "(?!)", "(?!)"
    nukta = "[\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc]?"
    bare = f"(?:[{''.join(consonants)}]{nukta}|[{''.join(vowels)}])"
    return f"{bare}[{''.join(signs)}]{{0,2}}", bare


Rule = tuple[str, "re.Pattern[str]", Callable[["re.Match[str]"], str | None]]


def _stem(written: str) -> str:
    """The letters of an abbreviation up to its first mark (. / : ' |); empty where it has no such mark."""
    match = re.match(f"[{LETTERS}]+(?=[./:'|۔])", written)
    return match.group() if match else ""


class Signs:
    """Writes out, for one language, what stands for a word without being a number."""

    def __init__(self, language: Language) -> None:
        words = wording(language.code)
        self._words = words.words
        self._spell = words.english.spell
        letters = LETTERS
        self._abbreviations: dict[str, str] = {
            **load_table("abbreviations"),
            **words.section("abbreviations"),
        }
        self._abbreviation = re.compile(alternation(self._abbreviations, from_word_start=True))
        self._stems = frozenset(filter(None, map(_stem, self._abbreviations)))
        unmarked = [written for written in self._abbreviations if not _stem(written)]
        self._stem_ends = frozenset(stem[-2:] for stem in self._stems)
        self._longest_stem = max(map(len, self._stems))
        marks = {written[len(stem)] for written in self._abbreviations for stem in [_stem(written)] if stem}
        self._mark = re.compile("[" + "".join(map(re.escape, sorted(marks))) + "]")
        self._unmarked = re.compile(alternation(unmarked, from_word_start=True))
        names = {name.replace("_", " ") for name in words.section("english").get("letters", "").split()}
        names |= set(words.section("english").get("letter_names", "").split())
        singles = sorted(names, key=len, reverse=True)
        own = "|".join(map(re.escape, singles)) or "(?!)"
        scripts = letters_of_scripts(s for s in language.scripts if s.name != "Latin") if names else ""
        akshara, bare = syllables_of(scripts) if scripts and language.script.name != "Latin" else ("(?!)", "(?!)")
        one = f"(?:{own}|{akshara}|[A-Z])"
        stop = "[.۔]"
        self._one = re.compile(one + stop)
        self._longest_initial = max(4, *map(len, names), 1)
        self._initials = re.compile(rf"{one}(?:{stop} ?{one}){{1,7}}(?:{stop}|(?= [{letters}]))(?![{letters}]{{3}})")
        # Where a danda ends sentences, a dot after one syllable is an initial's; so it is in the four southern scripts.
        any_syllable = language.code not in ("mr", "gu", "kok")
        self._initial = re.compile(rf"(?:{own}|{akshara if any_syllable else bare}|[A-Z])\.(?= ?[{letters}])")
        self._short = re.compile(
            rf"(?P<a>[{scripts}]{{1,5}})\.(?=(?![{MARKS}])[{scripts}]{{1,6}}(?:[ .]|$))" if scripts else "(?!)"
        )
        self._months = words.months
        self._month = re.compile(
            rf"(?P<m>[{scripts}]{{2,8}})\.(?:(?= ?\d)|(?<=\d))|(?<=\d )(?P<n>[{scripts}]{{2,8}})\."
            if scripts
            else "(?!)"
        )
        written = words.section("written_units")
        patterns = [
            (
                r"\.? ?".join(map(re.escape, form.split(".")))
                + (r"(?=\.)" if "." not in form and sign in ("l", "g", "m") else ""),
                sign,
            )
            for form, sign in sorted(written.items(), key=lambda f: -len(f[0]))
        ]
        self._unit_signs = [sign for _, sign in patterns]
        self._has_units = bool(scripts and patterns)
        firsts = "".join(sorted({re.escape(form[0]) for form in written})) or "a"
        alternatives = "|".join(f"(?P<u{place}>{form})" for place, (form, _) in enumerate(patterns)) or "(?!)"
        self._unit = re.compile(
            rf"(?P<d>[0-9½¼¾]) ?(?=[{firsts}])(?:{alternatives})(?:\.(?P<e>-?[{scripts}])?|(?![{letters}]))"
            if scripts
            else "(?!)"
        )
        self._number_words = frozenset(words.section("numbers").get("small", "").split())
        self._english = words.english
        self._latin = language.script.name == "Latin"
        self._month_rule: Rule = ("month", self._month, self._month_name)
        self._initial_rules: list[Rule] = [
            ("initials", self._initials, self._series),
            ("initial", self._initial, self._join),
        ]
        self._short_rule: Rule = ("initial", self._short, self._short_name)
        self._not_initial = set(words.section("english").get("not_initials", "").split())
        self._letter = re.compile(f"[{LETTERS}]")
        self._codes = set(words.section("words").get("currency_codes", "").split())
        self._sign = re.compile(r"[&@#+=×÷%°/|*~•·^$₹€£]")
        self._single = {
            "&": self._words.get("and", ""), "@": self._words["at"], "#": self._words["hash"], "+": self._words["plus"],
            "=": self._words["equals"], "×": self._words["times"], "÷": self._words["by"],
            "%": self._words["percent"].replace("{}", ""), "/": self._words.get("or", ""), "|": ",", "•": ",",
            "$": self._words["dollar"].partition("|")[0], "₹": self._words["rupee"].partition("|")[0],
            "€": self._words["euro"].partition("|")[0], "£": self._words["pound"].partition("|")[0],
        }  # fmt: skip

    def addresses(self, traced: TracedText) -> TracedText:
        """Web and mail addresses: dots, slashes and @ by name, the rest left to be read as words."""
        if "@" in traced.text:
            traced = traced.rewrite(_EMAIL, self._address, "address")
        if "://" in traced.text or "www." in traced.text:
            traced = traced.rewrite(_ADDRESS, self._address, "address")
        return traced.rewrite(_SITE, self._address, "address") if _SITE_END.search(traced.text) else traced

    def _address(self, match: re.Match[str]) -> str:
        text = re.sub(r"^https?://|/$", "", match.group())
        names = {".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore"}
        spoken = {sign: f" {self._words.get(name) or self._english.phrase(name)} " for sign, name in names.items()}
        return "".join(spoken.get(c) or (c if c.isalpha() else f" {c} " if c.isdigit() else " ") for c in text)

    def units(self, traced: TracedText) -> TracedText:
        """Units in the language's own letters after a number (കി.മീ., 5 ಕಿ.ಮೀ) become the signs all languages share."""
        if not self._has_units:
            return traced

        def write(match: re.Match[str]) -> str:
            place = next(int(n[1:]) for n, v in match.groupdict().items() if v is not None and n[0] == "u")
            ending = match["e"]
            return f"{match['d']} {self._unit_signs[place]}" + (f"-{ending.lstrip('-')}" if ending else "")

        return traced.rewrite(self._unit, write, "unit")

    def _hashtag(self, match: re.Match[str]) -> str:
        tag = _CAMEL.sub(" ", match["tag"])
        return f" {self._words.get('hashtag') or self._words['hash']} {tag}"

    def _maths(self, match: re.Match[str]) -> str:
        name = _MATHS[match.group().strip()]
        return f" {self._words.get(name) or self._english.phrase(name)} "

    def _month_name(self, match: re.Match[str]) -> str | None:
        written = match["m"] or match["n"]
        found = [month for month in self._months if month.startswith(written) and month != written]
        return found[0] + " " if len(found) == 1 or (found and len(written) > 2) else None

    def abbreviations(self, traced: TracedText) -> TracedText:
        """Abbreviations written out, and the dots of initials taken away so that no sentence ends there."""
        if "#" in traced.text:
            traced = traced.rewrite(_HASHTAG, self._hashtag, "hashtag")
        if _MATH_SIGN.search(traced.text):
            traced = traced.rewrite(_MATH, self._maths, "mathematical sign")
        if "&" in traced.text:
            traced = traced.rewrite(
                _INITIALS_AND, lambda match: f"{self._spell(match[1])} & {self._spell(match[2])}", "letters"
            )
        if _FI.search(traced.text):
            traced = traced.rewrite(_OWN_NAMES, lambda match: match.group().replace("-", "").lower(), "name")
        if "~" in traced.text and self._latin:
            traced = traced.rewrite(_ABOUT, lambda match: "about ", "sign")
        if "'" in traced.text:
            traced = traced.rewrite(_DECADE, lambda match: " ", "decade")
        if "(" in traced.text:
            traced = traced.rewrite(_PARENTHESES, _without_parentheses, "parentheses in a name or number")
        traced = self._english_abbreviations(traced)
        text = traced.text

        def write(match: re.Match[str]) -> str | None:
            end = match.end()
            written = match.group()
            if not written.endswith(".") and end < len(text) and self._letter.match(text[end]):
                return None
            if written.rstrip(".") in self._codes and re.match(r" ?[0-9]", text[end : end + 2]):
                return None
            if (
                written in _AFTER_DIGIT
                and not text[max(0, match.start() - 2) : match.start()].rstrip(" ")[-1:].isdigit()
            ):
                return None
            if written in _BEFORE_DIGIT and not re.match(r" ?[0-9]", text[end : end + 2]):
                return None
            word = self._abbreviations[written]
            if word == "saint" and (street := _STREET.search(text, max(0, match.start() - 60), match.start())):
                word = "street" if street["number"] or not re.match(" ?[A-Z]", text[end : end + 2]) else word
            if written == "etc." and re.match(" [A-Z]", text[end : end + 2]):
                return word + "."
            return word + " " if end < len(text) and text[end] not in " ,.;:?!\n" else word

        spans = []
        done = 0
        for start in self._starts(text):
            if start >= done and (match := self._abbreviation.match(text, start)):
                done = match.end()
                if (said := write(match)) is not None and said != match.group():
                    spans.append((start, done, said))
        traced = traced.replace(spans, ["abbreviation"] * len(spans))
        if "." not in traced.text and "۔" not in traced.text:
            return traced
        if _TWO_DOTS.search(traced.text):
            traced = traced.rewrite(_DOTTED, self._dotted, "letters with dots")
        return self._dots(traced)

    def _english_abbreviations(self, traced: TracedText) -> TracedText:
        """Days and streets cut short without a dot, where what stands around them says that they are."""
        if not _DAY_OR_STREET.search(traced.text):
            return traced
        to = self._english.phrase("to")
        traced = traced.rewrite(_TWO_DAYS, lambda match: f"{_DAYS[match[1]]} {to} {_DAYS[match[2]]}", "day")
        traced = traced.rewrite(_DAY_AND_DATE, lambda match: _DAYS[match[1]], "day")
        return traced.rewrite(_UNDOTTED_STREET, lambda match: _STREETS[match[1]], "abbreviation")

    def _starts(self, text: str) -> list[int]:
        """Where an abbreviation may begin: before the letters that end at one of its marks, or where one has none."""
        starts = []
        stems, ends, longest = self._stems, self._stem_ends, self._longest_stem
        for match in self._mark.finditer(text):
            end = match.start()
            if text[end - 2 : end] not in ends and text[end - 1 : end] not in ends:
                continue
            start = word_start(text, end, longest)
            if start >= 0 and text[start:end] in stems:
                starts.append(start)
        unmarked = [match.start() for match in self._unmarked.finditer(text)]
        return sorted(starts + unmarked) if unmarked else starts

    def _dots(self, traced: TracedText) -> TracedText:
        """Months cut short, initials and short names: looked for only where a short word ends in a dot."""
        text = traced.text
        spans: list[tuple[int, int, str]] = []
        rules: list[str] = []
        done = 0
        for stop in _STOP.finditer(text):
            end = stop.start()
            if self._latin and not "A" <= text[end - 1 : end] <= "Z":
                continue
            start = word_start(text, end, _LONGEST_SHORT_WORD)
            if start < done:
                continue
            after = text[end + 1 : end + 2]
            whole = after in ("", " ", "\n")
            if whole and end - start > self._longest_initial:
                number = text[start - 2 : start - 1].isdigit() or text[end + 2 : end + 3].isdigit()
                if not number:
                    continue
            for rule, pattern, write in self._dotted_rules(text, start, end + 1):
                match = pattern.match(text, start)
                said = write(match) if match else None
                if match and said is not None:
                    spans.append((start, match.end(), said))
                    rules.append(rule)
                    done = match.end()
                    break
        return traced.replace(spans, rules)

    def _dotted_rules(self, text: str, start: int, end: int) -> list[Rule]:
        """The rules that may read the word with a dot of ``text[start:end]``."""
        rules: list[Rule] = []
        if text[end : end + 2].lstrip(" ")[:1].isdigit() or text[max(0, start - 2) : start - 1].isdigit():
            rules.append(self._month_rule)
        if self._one.match(text, start):
            rules += self._initial_rules
        if text[end : end + 1] not in ("", " ", "\n"):
            rules.append(self._short_rule)
        return rules

    def _short_name(self, match: re.Match[str]) -> str | None:
        """Two short names with nothing but a dot between them (ಹೆಚ್.ಡಿ); after the word of a number a dot is a stop."""
        return None if match["a"] in self._number_words else match["a"] + " "

    def _join(self, match: re.Match[str]) -> str | None:
        name, text = match.group()[:-1], match.string
        if name.isascii():
            return self._spell(name) + " "
        alone = text[match.end()] == " " and text[match.start() - 1 : match.start()] != "."
        return None if alone and name in self._not_initial else name + " "

    def _series(self, match: re.Match[str]) -> str | None:
        """Several initials: by the names of their letters, no stop between them; the last dot ends text or line."""
        text, written = match.string, match.group()
        parts = [part for part in re.split(r"[.۔] ?", written) if part]
        said = " ".join(self._spell(part) if part.isascii() else part for part in parts)
        ends = written[-1] in ".۔" and (match.end() == len(text) or text[match.end()] == "\n")
        return said + ("." if ends else " ")

    def _dotted(self, match: re.Match[str]) -> str:
        """U.S.A. by its letters; its last dot stays only where the text or line ends."""
        last = match.end() == len(match.string) or match.string[match.end()] == "\n"
        return self._spell(match.group()) + ("." if last else " ")

    def single(self, traced: TracedText) -> TracedText:
        """Signs that are left become words; those that only decorate become spaces."""
        text = traced.text

        def write(match: re.Match[str]) -> str:
            word = self._single.get(match.group(), "")
            if match.group() == "/" and not _chosen(text[: match.start()][-3:], text[match.end() : match.end() + 3]):
                word = ""
            return f" {word} " if word not in ("", ",") else word or " "

        return traced.rewrite(self._sign, write, "sign")


def _without_parentheses(match: re.Match[str]) -> str:
    """CPI(M), 401(k), 5(1)(b): the letter as a word of its own; book(s): the plural."""
    return match[3] or f" {match[1] or match[2]}"


def _chosen(before: str, after: str) -> bool:
    """Whether a slash stands between two words of which one is to be chosen: not two capitals, not a number."""
    if not before or not after or not is_letter(before[-1]) or not is_letter(after[0]):
        return False
    return not (before[-1].isupper() and after[0].isupper())
