"""What is wrong with a user's data is one short sentence that names the key, and the key that was meant."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from swaram.validation import first_problem, nearest, suggestion


class Engine(BaseModel, extra="forbid"):
    power: int = Field(1, ge=1)


class Sail(BaseModel, extra="forbid"):
    area: float = 1.0


class Boat(BaseModel, extra="forbid"):
    name: str = ""
    drive: Engine | Sail = Engine()
    crew: list[Engine] = []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"nane": "x"}, "nane is not a key; did you mean name"),
        ({"xyz": 1}, "xyz is not a key; known: crew, drive, name"),
        ({"drive": {"powerr": 1}}, "drive.powerr is not a key; did you mean drive.power"),
        ({"crew": [{"power": 0}]}, "crew.0.power: input should be greater than or equal to 1"),
        ({"name": 5}, "name: input should be a valid string"),
        (7, "the whole: input should be a valid dictionary or instance of Boat"),
    ],
)
def test_the_first_fault_is_a_sentence_about_a_key(data, sentence):
    with pytest.raises(ValidationError) as error:
        Boat.model_validate(data)
    assert first_problem(error.value, Boat) == sentence


def test_a_value_is_never_repeated():
    with pytest.raises(ValidationError) as error:
        Boat.model_validate({"name": ["secret"]})
    assert "secret" not in first_problem(error.value, Boat)


def test_a_beginning_counts_for_more_than_likeness():
    assert nearest("max", ["mxa", "max_steps"]) == "max_steps"
    assert nearest("lerning_rate", ["learning_rate", "seed"]) == "learning_rate"
    assert nearest("zzz", ["learning_rate"]) is None and nearest("", ["a"]) is None
    assert suggestion("zzz", []) == ""
