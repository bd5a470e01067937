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


def test_a_file_that_is_there_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.touch(mode=0o600)
    with open_whole(path) as file:
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_must_not_be_written_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    # Who is root may write whatever its mode is.
    monkeypatch.setattr(os, "access", lambda target, mode: mode != os.W_OK)
    with pytest.raises(PermissionError, match="file' is read-only; name another"), open_whole(path):
        pass
    assert path.read_bytes() == b"old"


def test_what_a_death_left_is_written_over(tmp_path):
    (tmp_path / ".file.unfinished").write_bytes(b"half")
    with open_whole(tmp_path / "file") as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_to_nowhere_says_which_folder_is_missing(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "file")
    with pytest.raises(FileNotFoundError, match="gone' of path"), open_whole(tmp_path / "link"):
        pass


def test_what_a_shell_pipes_is_written(tmp_path):
    reader, writer = os.pipe()
    with open_whole(f"/dev/fd/{writer}") as file:
        file.write(b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    os.close(writer)


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
