"""Text to speech for India's languages other than Hindi: prepare, train, measure, serve."""

__version__ = "0.1.0"
