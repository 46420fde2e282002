"""Decoders, one a file: latent frames to samples. ``base`` states the shapes, ``build`` chooses by the configuration.

Import the modules by name (``swaram.model.decoders.build``); this package imports PyTorch only when they are.
"""
