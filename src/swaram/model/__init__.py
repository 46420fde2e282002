"""VITS (Kim, Kong and Son 2021) in swappable parts: text encoder, posterior encoder, flow, durations, decoders.

Import the modules by name (``swaram.model.vits``); this package imports PyTorch only when they are.
"""
