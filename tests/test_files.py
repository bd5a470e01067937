"""Files that are there whole or not at all."""

import os

import pytest

from sklearn_metaexplain._files import open_whole


def test_what_was_there_stays_until_all_of_the_new_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with open_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write():
        with open_whole(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_files_get_the_usual_permissions(tmp_path):
    with open_whole(tmp_path / "whole"):
        pass
    (tmp_path / "usual").touch()
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_links_stay_links(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with open_whole(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_pipe_is_written_as_it_is(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open_whole(path) as file:
        file.write(b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)


def test_folders_are_refused_and_made_if_asked_for(tmp_path):
    with (
        pytest.raises(IsADirectoryError, match="is a folder; name a file in it"),
        open_whole(tmp_path),
    ):
        pass
    path = tmp_path / "a" / "b" / "file"
    with pytest.raises(FileNotFoundError, match="b' of path does not exist"), open_whole(path):
        pass
    with open_whole(path, make_folder=True) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
