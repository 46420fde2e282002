"""Training: batches, losses, loop, checkpoints and what is written to TensorBoard.

``train.py -c config.json`` and ``swaram train`` both end in ``swaram.training.loop.train``.
"""
