"""Operations of the model for CPUs, with gradients by hand, each beside its plain twin."""
