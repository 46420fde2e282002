"""Alignment: where in a recording each word of its text is spoken, and whether it is spoken at all.

The acoustic models are made from the recordings themselves (``models``), so that any language can be aligned; NumPy
alone, no PyTorch.
"""
