"""The fonts of the server's page: subsets of Noto (SIL Open Font License 1.1), one WOFF2 for each script.

``python docs/fonts.py node_modules`` writes them again; needs ``fonttools`` and ``brotli``. The sources are npm's
packages ``@fontsource/noto-sans-oriya`` and so on, version 5.3.0; older releases of Noto, such as Debian 12's, put
Odia's vowel signs below conjuncts in the wrong place. Letters, signs that join, and the layout of their script are
kept; hints, names of glyphs and letters of other scripts are not.
"""

import sys
from pathlib import Path

from fontTools import subset

FONTS = Path(__file__).resolve().parents[1] / "src" / "swaram" / "server" / "page" / "fonts"
JOINERS = ",U+200B-200F"
SHARED = "U+25CC,U+964-965" + JOINERS  # the dotted circle under lone vowel signs, and dandas, are in every file
# Script: the package, the subset in it, and the letters.
SCRIPTS = {
    "latin": ("noto-sans", "latin", "U+20-7E,U+A0-FF,U+2010-2027,U+2039-203A,U+20B9,U+2190-2193,U+2212"),
    "nastaliq": ("noto-nastaliq-urdu", "arabic", "U+600-6FF,U+FDF2,U+FDFA,U+2010-2027," + SHARED),
    "arabic": ("noto-naskh-arabic", "arabic", "U+600-6FF,U+750-77F,U+FB50-FBFF,U+FDF2,U+FDFA,U+2010-2027," + SHARED),
    "bengali": ("noto-sans-bengali", "bengali", "U+980-9FF," + SHARED),
    "devanagari": ("noto-sans-devanagari", "devanagari", "U+900-97F,U+A8E0-A8FF,U+1CD0-1CFF," + SHARED),
    "gujarati": ("noto-sans-gujarati", "gujarati", "U+A80-AFF," + SHARED),
    "gurmukhi": ("noto-sans-gurmukhi", "gurmukhi", "U+A00-A7F," + SHARED),
    "kannada": ("noto-sans-kannada", "kannada", "U+C80-CFF," + SHARED),
    "malayalam": ("noto-sans-malayalam", "malayalam", "U+D00-D7F," + SHARED),
    "meetei-mayek": ("noto-sans-meetei-mayek", "meetei-mayek", "U+ABC0-ABFF,U+AAE0-AAFF," + SHARED),
    "ol-chiki": ("noto-sans-ol-chiki", "ol-chiki", "U+1C50-1C7F," + SHARED),
    "oriya": ("noto-sans-oriya", "oriya", "U+B00-B7F," + SHARED),
    "tamil": ("noto-sans-tamil", "tamil", "U+B80-BFF," + SHARED),
    "telugu": ("noto-sans-telugu", "telugu", "U+C00-C7F," + SHARED),
}
# Latin is the last resort, behind the reader's own font; Urdu is written in Nastaliq where the page says so.
FAMILIES = {"latin": "swaram Latin", "nastaliq": "swaram Nastaliq"}
FACE = """@font-face {{
  font-family: "{family}";
  src: url("{script}.woff2") format("woff2");
  font-display: swap;
  unicode-range: {letters};
}}
"""


def main(sources: Path) -> None:
    """Write every subset and ``fonts.css``, and print the sizes."""
    total, css = 0, ""
    for script, (package, part, letters) in SCRIPTS.items():
        target = FONTS / f"{script}.woff2"
        source = sources / "@fontsource" / package / "files" / f"{package}-{part}-400-normal.woff2"
        subset.main(
            [
                str(source), f"--unicodes={letters}", f"--output-file={target}",
                "--flavor=woff2", "--layout-features=*", "--no-hinting", "--desubroutinize",
                "--name-IDs=0,1,2,4,5,13,14",
            ]
        )  # fmt: skip
        total += target.stat().st_size
        # A file is asked for because of letters of its script, not because of a danda.
        own = letters if script in ("latin", "devanagari") else letters.replace(SHARED, JOINERS.strip(","))
        css += FACE.format(family=FAMILIES.get(script, "swaram"), script=script, letters=own.replace(",", ", "))
        print(f"{target.stat().st_size:8,}  {target.name}")
    (FONTS / "fonts.css").write_text(css, encoding="utf-8")
    print(f"{total:8,}  together")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
