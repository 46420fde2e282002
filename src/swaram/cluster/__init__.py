"""Past one machine, with Ray: preparation, training, serving and evaluation on the workers of a cluster.

Thin: no gate, loss or rule of the protocol stands here. Ray is imported when a cluster is asked for.
"""
