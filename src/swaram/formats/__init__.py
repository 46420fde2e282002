"""Voices of other systems: one file for each format, with what it takes in and gives out.

``registry`` knows the formats by name and imports a format's file when it is used, so nothing here imports PyTorch.
"""

from swaram.formats.registry import FORMATS, Format, find_format, recognise

__all__ = ["FORMATS", "Format", "find_format", "recognise"]
