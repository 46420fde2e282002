"""From a checkpoint to a voice package: the one way out of PyTorch."""
