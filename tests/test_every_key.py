"""Every key of the whole configuration, wrong in turn: of another type, and misspelt."""

import copy

import pytest

from swaram.config.config import Config, ConfigError, parse_config
from swaram.config.model import DECODERS


def leaves(tree: dict, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    """Path and default of every key, those of sections first."""
    found: list[tuple[tuple[str, ...], object]] = []
    for key, value in tree.items():
        found.append(((*path, key), value))
        if isinstance(value, dict):
            found += leaves(value, (*path, key))
    return found


def whole(decoder: str) -> dict:
    """The tree of defaults with one of the decoders in full."""
    hop = {"data": {"hop_length": 256}}
    return parse_config({**hop, "model": {"decoder": decoder}}).model_dump(mode="json")


def changed(tree: dict, path: tuple[str, ...], value: object, name: str | None = None) -> dict:
    """A copy in which the key at ``path`` has another value, and another name."""
    tree = copy.deepcopy(tree)
    section = tree
    for part in path[:-1]:
        section = section[part]
    if name:
        del section[path[-1]]
    section[name or path[-1]] = value
    return tree


KEYS = {".".join(path): path for path, _ in leaves(Config().model_dump(mode="json"))}
IN_DECODERS = [
    (name, path)
    for name in DECODERS
    for path, _ in leaves(whole(name))
    if path[:2] == ("model", "decoder") and path[2:]
]


def at(tree: dict, path: tuple[str, ...]) -> object:
    for part in path:
        tree = tree[part]
    return tree


def refused(tree: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(tree, "config.json")
    message = str(caught.value)
    assert message.startswith("config.json: ") and "\n" not in message and len(message) < 400
    return message


def wrong_for(value: object) -> object:
    """A value of a type that the default's key does not take: text for numbers, an object for the rest."""
    return "text" if isinstance(value, bool | int | float | dict) else {"an": "object"}


def check_wrong(tree: dict, path: tuple[str, ...]) -> None:
    message = refused(changed(tree, path, wrong_for(at(tree, path))))
    # What chooses between sections is named beside its section.
    assert ".".join(path) in message or (".".join(path[:-1]) in message and f"'{path[-1]}'" in message)


def check_misspelt(tree: dict, path: tuple[str, ...]) -> None:
    message = refused(changed(tree, path, at(tree, path), f"{path[-1]}x"))
    assert f"{'.'.join(path)}x is not a key" in message and f"did you mean {'.'.join(path)}" in message


def test_there_are_as_many_keys_as_the_sections_say():
    assert len(KEYS) > 90 and {"train.weights.mel", "data.sample_rate", "prepare.split.test"} <= set(KEYS)


@pytest.mark.parametrize("path", KEYS.values(), ids=KEYS)
def test_a_key_of_another_type_is_named(path):
    check_wrong(Config().model_dump(mode="json"), path)


@pytest.mark.parametrize("path", [path for path in KEYS.values() if path != ("model", "decoder", "type")], ids=".".join)
def test_a_misspelt_key_is_named_with_the_right_one(path):
    check_misspelt(Config().model_dump(mode="json"), path)


@pytest.mark.parametrize(("decoder", "path"), IN_DECODERS, ids=lambda value: value if value is str else None)
def test_the_keys_of_every_decoder_are_checked(decoder, path):
    tree = whole(decoder)
    if path[-1] == "type":
        assert "model.decoder" in refused(changed(tree, path, "wavenet"))
    else:
        check_wrong(tree, path)
        check_misspelt(tree, path)
