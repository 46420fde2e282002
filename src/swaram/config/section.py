"""The base of every typed section of the configuration."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the tree: unknown keys are refused, values are not coerced from text."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_default=True)
