import threading

import pytest

from swaram.errors import SwaramError
from swaram.files import whole_file, whole_folder


class OwnError(SwaramError):
    pass


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_has_its_name_only_when_it_is_whole(tmp_path, durable):
    target = tmp_path / "a.txt"
    with whole_file(target, durable=durable) as partial:
        partial.write_text("whole")
        assert not target.exists() and partial.parent == target.parent
    assert target.read_text() == "whole" and list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_after_an_exception_the_earlier_file_and_folder_stand_and_nothing_is_left(tmp_path, fault):
    file, folder = tmp_path / "a.txt", tmp_path / "b"
    file.write_text("earlier")
    folder.mkdir()
    (folder / "c").write_text("earlier")
    with pytest.raises(fault), whole_file(file) as partial:
        partial.write_text("half")
        raise fault
    with pytest.raises(fault), whole_folder(folder) as partial:
        (partial / "c").write_text("half")
        raise fault
    assert file.read_text() == (folder / "c").read_text() == "earlier"
    assert sorted(tmp_path.iterdir()) == [file, folder]


@pytest.mark.parametrize("durable", [False, True])
def test_a_folder_replaces_the_earlier_one_whole(tmp_path, durable):
    target = tmp_path / "b"
    for name in ("first", "second"):
        with whole_folder(target, durable=durable) as partial:
            (partial / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["second"] and list(tmp_path.iterdir()) == [target]


def test_writers_at_once_leave_one_whole_folder(tmp_path):
    target, faults = tmp_path / "b", []

    def write(number):
        try:
            for _ in range(20):
                with whole_folder(target) as partial:
                    for name in "xy":
                        (partial / name).write_text(number)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and (target / "x").read_text() == (target / "y").read_text()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_a_place_that_cannot_be_written_is_one_sentence_of_the_callers_class(tmp_path, whole):
    (tmp_path / "file").write_text("")
    with pytest.raises(OwnError, match=r"a: cannot be written \(") as caught, whole(tmp_path / "file" / "a", OwnError):
        pass
    assert str(caught.value).count("\n") == 0
    with pytest.raises(OSError), whole(tmp_path / "file" / "a"):
        pass
