"""Every setting of preparation, model and training, typed; imports nothing but errors."""
