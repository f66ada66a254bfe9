"""Tests for check_package.py: what the archives hold."""

import tarfile
import zipfile

import pytest


@pytest.fixture
def check(script):
    return script("check_package")


def source_archive(folder, names):
    """Write a source archive with one-line files."""
    path = folder / "rnner-0.1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            file = folder / "one line.txt"
            file.write_text(f"{name}\n")
            archive.add(file, f"rnner-0.1.0/{name}")
    return path


def test_a_source_archive_is_its_files_without_generated_metadata(check, tmp_path):
    names = ["README.md", "src/rnner/tags.py", "PKG-INFO", "setup.cfg", "src/rnner.egg-info/SOURCES.txt"]
    path = source_archive(tmp_path, names)
    assert check.source_archive_files(path) == {"README.md", "src/rnner/tags.py"}


def test_a_source_archive_with_a_link_is_refused(check, tmp_path):
    path = tmp_path / "rnner-0.1.0.tar.gz"
    (tmp_path / "configs").symlink_to("src/rnner/resources/configs")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "configs", "rnner-0.1.0/configs")
    with pytest.raises(check.PackageError, match=r"has links: rnner-0\.1\.0/configs"):
        check.source_archive_files(path)


def test_files_behind_a_link_to_a_folder_are_listed_under_both_names(check, tmp_path):
    (tmp_path / "resources" / "configs").mkdir(parents=True)
    (tmp_path / "resources" / "configs" / "quickstart.yaml").write_text("data: {train: sample:train}\n")
    (tmp_path / "configs").symlink_to("resources/configs")
    assert check.files_under(tmp_path) == {"configs/quickstart.yaml", "resources/configs/quickstart.yaml"}


def test_a_wheel_is_compared_by_the_paths_of_the_repository(check, tmp_path):
    path = tmp_path / "rnner-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("rnner/py.typed", "")
        wheel.writestr("rnner-0.1.0.dist-info/RECORD", "")
        wheel.writestr("rnner-0.1.0.dist-info/licenses/AUTHORS", "")
        wheel.writestr("tests/test_tags.py", "")
    assert check.wheel_files(path) == {
        "src/rnner/py.typed",
        "src/rnner-0.1.0.dist-info/licenses/AUTHORS",
        "src/tests/test_tags.py",
    }


def test_a_difference_is_reported_by_file_name(check):
    check.compare("rnner.whl", {"a.py"}, {"a.py"})
    with pytest.raises(check.PackageError) as error:
        check.compare("rnner.whl", {"a.py", "__pycache__/a.pyc"}, {"a.py", "py.typed"})
    assert str(error.value).splitlines() == [
        "rnner.whl is missing py.typed",
        "rnner.whl should not have __pycache__/a.pyc",
    ]


def test_a_failed_command_is_reported_with_its_output(check, tmp_path):
    with pytest.raises(check.PackageError, match=r"rnner train my\.conll\n.*no such file"):
        check.run(["bash", "-c", "echo no such file; exit 2", "rnner train my.conll"], tmp_path)


def test_a_new_environment_hides_the_one_that_builds_it(check, tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(check, "run", lambda command, folder, environment: commands.append(environment))
    monkeypatch.setenv("PYTHONPATH", "src")
    monkeypatch.setenv("PATH", f"/home/ada/.venv/bin:{tmp_path}")
    environment = check.new_environment(tmp_path / "new", "rnner.whl")
    assert commands == [environment, environment]
    assert "PYTHONPATH" not in environment and ".venv" not in environment["PATH"]
    assert environment["PATH"].startswith(str(tmp_path / "new" / "bin"))
