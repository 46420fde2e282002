"""The gates, in the order a clip meets them; each is a function from a candidate to a verdict.

What the corpus says comes first (``description``), then the sound, then the transcript; duplicates and odd
speaking rates need all clips and come last (``collection``).
"""
