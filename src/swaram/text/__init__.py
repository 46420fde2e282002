"""Text to symbols: normalisation, numbers, abbreviations, English words, sentences.

What depends on a language lives in plain tables under ``data/``.
"""

from swaram.text.frontend import Analysis, Notice, TextFrontend
from swaram.text.sentences import Sentence
from swaram.text.symbols import SymbolError, SymbolTable

__all__ = ["Analysis", "Notice", "Sentence", "SymbolError", "SymbolTable", "TextFrontend"]
